"""The quiz of notebook 15."""

from ..teacher import Question

QUIZ = (
    Question(
        "A client clips its update to a hundredth of its length before sending it, without noise. What can be read?",
        (
            ("A hundredth of the pixels.", "the clip scales every number alike."),
            ("The same as before.", "a common factor cancels when weight is divided by bias."),
            ("Nothing.", "without noise nothing is hidden; the scale was never the secret."),
        ),
        1,
    ),
    Question(
        "An attack on membership is right 52% of the time on average. What follows?",
        (
            ("The model leaks next to nothing about anybody.", "it may be certain about a few and guess about the rest."),
            (
                "Nothing about the few records it is surest of.",
                "look at the true-positive rate at a low false-positive rate.",
            ),
            ("The training had an ε below 0.1, whatever the δ was.", "an attack bounds ε from below, never from above."),
        ),
        1,
    ),
    Question(
        "Multi-Krum keeps the accuracy under four attacks out of five. Which sentence is true?",
        (
            ("It keeps the accuracy, whoever it is that attacks.", "the fifth attack brought it below the mean."),
            ("It can be used where secure aggregation hides updates.", "it needs the single ones, which nobody has there."),
            ("It says little of attackers who know of the defence.", "against those it has to be tried, adaptively."),
        ),
        2,
    ),
    Question(
        "A server runs secure aggregation honestly over 100 clients. What does it learn about client 7?",
        (
            ("Nothing at all.", "it learns the sum, and the sum depends on client 7."),
            ("What the sum of all updates says about client 7.", "and what that is, noise in shares bounds."),
            (
                "Her masked update, which it can unmask if she drops out.",
                "then only her key's shares are revealed, not both.",
            ),
        ),
        1,
    ),
    Question(
        "Secure aggregation without signatures, and a server that lies: what lets it read client 7's vector?",
        (
            ("Breaking X25519, on which all the masks rest.", "nobody is known to; it need not be broken."),
            ("Handing her keys of its own as the others'.", "it then knows every mask; signed keys rule that out."),
            (
                "Asking half of the others for each of her secrets.",
                "the threshold lies above a half, and each answers once.",
            ),
        ),
        1,
    ),
)
