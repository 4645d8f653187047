"""The small profile on one machine: embedded MongoDB and RabbitMQ, and what keeps all running."""
