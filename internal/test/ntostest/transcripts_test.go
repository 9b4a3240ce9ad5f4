package ntostest

import "testing"

// The transcripts of testdata, each on a kernel of its own.
func TestTranscripts(t *testing.T) { Walk(t, "testdata") }

func TestTranscriptsOverAConnection(t *testing.T) { WalkWired(t, "testdata") }
