Hello from PHP
