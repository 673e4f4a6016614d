"""The worker of `transcribe remote`: the image of a RunPod endpoint runs it, with the spec and the transcript of `transcribe run`.

limits.py          what a worker accepts, and when a transfer has to end
accepted_spec.py   which keys of a client's spec count, and which are the operator's alone
addresses.py       which addresses are public
connections.py     connections to those, limited in time and bytes
transfer.py        downloading the audio of a job, uploading its result
handler.py         runs the jobs of a queue in one pipeline
results.py         outcomes and errors as documents of the protocol
serve.py           RunPod's SDK around the handler
"""
