"""Language: requests to language models about verbal policies and beliefs, and the phrasebook's sentences."""
