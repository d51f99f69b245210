"""A client that was not written with this project: Python's grpcio with server reflection. It knows an address, a certificate, a one-time code,
a project, and what to approve; everything else it learns from the server. Prints one JSON object for each step."""

import json
import sys
import uuid

import grpc
from google.protobuf import descriptor_pool, message_factory
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase


def main(address, certificate, code, project):
    credentials = grpc.ssl_channel_credentials(open(certificate, "rb").read())
    channel = grpc.secure_channel(address, credentials, options=[("grpc.ssl_target_name_override", "localhost")])
    database = ProtoReflectionDescriptorDatabase(channel)
    print(json.dumps({"services": sorted(database.get_services())}), flush=True)
    pool = descriptor_pool.DescriptorPool(database)
    metadata = []

    def method(service, name):
        found = pool.FindServiceByName(service).methods_by_name[name]
        request = message_factory.GetMessageClass(found.input_type)
        response = message_factory.GetMessageClass(found.output_type)
        make = channel.unary_stream if found.server_streaming else channel.unary_unary
        stub = make(f"/{service}/{name}", request_serializer=request.SerializeToString, response_deserializer=response.FromString)
        return lambda timeout=20, **fields: stub(request(**fields), metadata=metadata, timeout=timeout)

    print(json.dumps({"health": method("grpc.health.v1.Health", "Check")().status}), flush=True)

    login = method("deadwax.v1.Sessions", "Login")(code=code, device="third party", api=1)
    metadata.append(("authorization", f"Bearer {login.token}"))
    print(json.dumps({"logged_in": login.person.name}), flush=True)

    rows = {row.key: row for row in method("deadwax.v1.Projects", "Get")(project_id=project).upserts}
    gate = next(row.gate for row in rows.values() if row.WhichOneof("row") == "gate")
    song = rows[f"song/{gate.song_id}"].song
    version = rows[f"version/{song.candidate_version_id}"].version
    roles = rows["project"].project.your_roles

    watch = method("deadwax.v1.Projects", "Watch")(project_id=project, timeout=30)
    first = next(watch)
    print(json.dumps({"watching_from": first.seq, "snapshot": first.snapshot}), flush=True)

    action = {"approve": {"approval_id": str(uuid.uuid4()), "version_id": version.version_id, "role": roles[0], "fingerprint": version.fingerprint}}
    performed = method("deadwax.v1.Projects", "Perform")(command_id=str(uuid.uuid4()), project_id=project, action=action)
    print(json.dumps({"approved": version.title or f"{version.kind} {version.number}", "seq": performed.seq, "effects": list(performed.effects)}), flush=True)

    for update in watch:
        if update.seq >= performed.seq:
            print(json.dumps({"watched_to": update.seq, "rows": sorted(row.key.split("/")[0] for row in update.upserts)}), flush=True)
            watch.cancel()
            return


if __name__ == "__main__":
    main(*sys.argv[1:])
