"""One recording's path as code: preparation, clips of speech, recognition, speakers, assembly; jobs in, outcomes out."""
