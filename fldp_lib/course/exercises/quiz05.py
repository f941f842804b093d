"""Quiz of notebook 05: who is counted, whose record is covered, which norm."""

from ..teacher import Question

QUIZ = (
    Question(
        "A server clips each update, sums them, and adds Gaussian noise of deviation 9·C once. Somebody doubles the number "
        "of clients N and changes nothing else. What happens to ε?",
        (
            ("It halves", "The noise in the mean halves, but so does one client's share of the mean: ε compares the two."),
            (
                "It stays",
                "One client still moves the sum by at most C, and the noise is still 9·C. What improves is the accuracy.",
            ),
            ("It doubles", "More clients do not add sensitivity: only one of them differs between neighbours."),
        ),
        1,
    ),
    Question(
        "Twenty hospitals train with client-level differential privacy (add or remove one hospital) at a total ε of 2. "
        "What may a patient of one of them conclude?",
        (
            (
                "The published models bound what can be told about my record, too",
                "Changing one record is at most two steps: remove the hospital, add it with the changed record. So it is "
                "covered at ε ≤ 4 at the worst. The server and the hospital still see more.",
            ),
            (
                "Nothing: client-level privacy protects hospitals, not patients",
                "One patient's record changes one hospital's update, and the guarantee covers that update whatever it is. "
                "The converse fails: a promise about one record does not hide a hospital.",
            ),
            (
                "My record is protected at ε = 2/n, since the hospital has n patients",
                "No such division holds: a single record can change its hospital's clipped update as much as all of them.",
            ),
        ),
        0,
    ),
    Question(
        "Updates of 10,000 parameters are clipped to L2 norm C, and each coordinate of the sum gets Laplace noise of "
        "scale C/ε. Which pure ε (δ = 0) does that promise?",
        (
            (
                "ε, as for one number, since the clip bounds the sum",
                "The Laplace mechanism is calibrated to the L1 norm, and the clip bounds the L2 norm.",
            ),
            (
                "100 ε, since the L1 norm may be 100 times the clip",
                "An L2 norm of C allows an L1 norm of √d·C, and √10,000 = 100. With δ > 0 zCDP promises far more: about "
                "what Gaussian noise of deviation C/ε does, for any d.",
            ),
            (
                "10,000 ε, since every coordinate costs an ε itself",
                "That would be so if each coordinate could move by C; together they move by C in L2.",
            ),
        ),
        1,
    ),
)
