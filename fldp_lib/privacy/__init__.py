"""What is added (`mechanisms`, `adaptive`) and what it costs (`accounting`, by `accountants`)."""
