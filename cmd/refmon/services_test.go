package main

import (
	"bytes"
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "write generated documents instead of comparing them")

// TestServicesDoc: the page says what the tables say.
func TestServicesDoc(t *testing.T) {
	const name = "../../docs/services.md"
	var b bytes.Buffer
	writeServices(&b)
	if *update {
		if err := os.WriteFile(name, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), want) {
		t.Errorf("%s is out of date: go test ./cmd/refmon -run ServicesDoc -update", name)
	}
}
