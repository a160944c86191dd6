"""The QA desk as a web application: pages, sound, and who may have them."""
