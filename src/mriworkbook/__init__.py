"""A hands-on workbook for brain MRI: thin helpers behind the episode notebooks."""
