"""办事指南 on paper: one item, or all of a body, as a PDF to be printed and handed out."""
