"""The worker of `transcribe remote`: the same spec in, the same transcript out, in the image of a RunPod endpoint.

addresses.py   which addresses may be fetched from: public ones, also after DNS and redirects
audio.py       the audio of a job, from its request or from a URL, on scratch
handler.py     jobs into one pipeline, its outcomes back to whoever waits for them
serve.py       RunPod's SDK around it
"""
