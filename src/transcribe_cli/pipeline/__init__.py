"""One recording's path as code: preparation, clips of speech, recognition, diarization, assembly; jobs in, outcomes out."""
