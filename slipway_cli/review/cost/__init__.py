"""What an assembly costs a month: from its templates, a dated table of prices, and assumptions that are printed."""
