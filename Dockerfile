# The same application for production: PostgreSQL and Redis are elsewhere.
#   docker build -t linli . && docker run --env-file .env linli serve   (or: worker, migrate)
FROM python:3.11-slim
WORKDIR /srv/linli
COPY requirements.txt ./
RUN pip install --no-cache-dir --require-hashes -r requirements.txt
COPY pyproject.toml ./
COPY alembic ./alembic
COPY app ./app
COPY models ./models
COPY routers ./routers
COPY services ./services
RUN useradd --system --no-create-home linli && install -d -o linli /var/lib/linli && python -m compileall -q app models routers services
USER linli
ENV APP_ENV=production HOST=0.0.0.0 PORT=8000 PYTHONUNBUFFERED=1
VOLUME /var/lib/linli
EXPOSE 8000
ENTRYPOINT ["python", "-m", "app.cli"]
CMD ["serve"]
