"""What came of a search: the facts, computed once (``facts``), and what renders them, section by section."""
