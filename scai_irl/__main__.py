"""The command line as ``python -m scai_irl``."""

from scai_irl.cli.main import main

if __name__ == "__main__":
    main()
