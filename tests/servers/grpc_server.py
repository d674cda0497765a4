"""A gRPC server (grpcio) with the health service on a free port of loopback; prints the port when it
listens.

usage: grpc_server.py [--token TOKEN] [CERTIFICATE KEY]

It serves as a whole and the service `shop.v1.Orders`; `shop.v1.Billing` does not. Of a service named
`end:STATUS` the call ends with that status, and its message repeats the metadata it was sent. With a
token, whoever does not send it as `authorization: Bearer TOKEN` is not let in. With a certificate it
speaks TLS.
"""

import sys
from concurrent import futures

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc


class Health(health.HealthServicer):
    """The health service, with ends that a test may ask for."""

    def __init__(self, token: str | None) -> None:
        super().__init__()
        self.token = token

    def Check(self, request, context):
        metadata = dict(context.invocation_metadata())
        sent = metadata.get("authorization", "")
        if self.token is not None and sent != f"Bearer {self.token}":
            context.abort(grpc.StatusCode.UNAUTHENTICATED, f"not let in with {sent}")
        if request.service.startswith("end:"):
            status = grpc.StatusCode[request.service.removeprefix("end:")]
            context.abort(status, f"asked to, by {sent}")
        return super().Check(request, context)


def main() -> None:
    arguments = sys.argv[1:]
    token = None
    if arguments[:1] == ["--token"]:
        token, arguments = arguments[1], arguments[2:]
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
    servicer = Health(token)
    serving = health_pb2.HealthCheckResponse.SERVING
    servicer.set("shop.v1.Orders", serving)
    servicer.set("shop.v1.Billing", health_pb2.HealthCheckResponse.NOT_SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    if arguments:
        with open(arguments[0], "rb") as certificate, open(arguments[1], "rb") as key:
            pair = (key.read(), certificate.read())
        port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([pair]))
    else:
        port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    server.wait_for_termination()


main()
