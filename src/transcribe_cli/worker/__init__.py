"""The worker of `transcribe remote`: the image of a RunPod endpoint runs it, with the spec and the transcript of `transcribe run`.

addresses.py   which addresses the worker may connect to: public ones, also after DNS and redirects
transfer.py    downloading the audio of a job, uploading its result
handler.py     runs the jobs of a queue in one pipeline
results.py     outcomes and errors as documents of the protocol
serve.py       RunPod's SDK around the handler
"""
