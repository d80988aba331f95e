FROM debian:bookworm-slim

ENV PYTHONDONTWRITEBYTECODE=1 PATH=/anef/.venv/bin:$PATH
WORKDIR /anef

COPY bin/paquets.txt bin/
RUN apt-get update \
    && apt-get install -y --no-install-recommends $(sed 's/#.*//' bin/paquets.txt) \
    && rm -rf /var/lib/apt/lists/*

COPY requirements.txt .
RUN python3 -m venv .venv && .venv/bin/pip install --no-cache-dir --require-hashes -r requirements.txt

COPY . .
RUN ENVIRONNEMENT=demonstration SECRET_KEY=construction python manage.py compilemessages --ignore .venv
RUN useradd --system anef && install -d -o anef var
USER anef
