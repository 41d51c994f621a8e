#!/bin/sh
# A PostgreSQL server for as long as standard input is open: in $FOLDER, on a socket there, and for $PASSWORD on port $PORT of
# loopback, encrypted with a certificate of its own ($FOLDER/server.crt, for 127.0.0.1). fsync is on, as in earnest. It says
# "ready" when it is. PostgreSQL refuses to run as root: whoever is that starts this as somebody else.
trap '' INT TERM HUP
cd "$FOLDER" || exit 1
# Debian keeps the programs of every version apart and off the path.
newest=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
PATH="$newest:$PATH"
umask 077
printf '%s\n' "$PASSWORD" >password
cat >tls.conf <<END
[req]
prompt = no
distinguished_name = name
x509_extensions = extensions
[name]
CN = lianmai
[extensions]
basicConstraints = critical, CA:FALSE
subjectAltName = IP:127.0.0.1
END
{
  initdb --pgdata=data --username=lianmai --auth-local=trust --auth-host=scram-sha-256 --pwfile=password \
    --encoding=UTF8 --locale=C --no-sync &&
  openssl req -x509 -config tls.conf -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
    -keyout server.key -out server.crt
} >log 2>&1 </dev/null || { cat log >&2; exit 1; }
pg_ctl start --pgdata=data --log=log --wait --timeout=30 >>log 2>&1 </dev/null --options="\
  -c listen_addresses=127.0.0.1 -c port=$PORT -c unix_socket_directories=$FOLDER -c unix_socket_permissions=0700 \
  -c ssl=on -c ssl_cert_file=$FOLDER/server.crt -c ssl_key_file=$FOLDER/server.key \
  -c fsync=on -c shared_buffers=16MB" || { cat log >&2; exit 1; }
echo ready
cat >/dev/null
pg_ctl stop --pgdata=data --mode=immediate --wait --timeout=30 >/dev/null 2>&1 </dev/null
cd / && rm -rf "$FOLDER"
