from .build import main

if __name__ == "__main__":  # processes that write explorers' pages import it, too
    main()
