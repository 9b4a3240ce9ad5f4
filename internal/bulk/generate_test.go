package bulk_test

import (
	"os"
	"testing"

	"github.com/refmon/refmon/internal/bulk"
)

func TestWriteSample(t *testing.T) {
	dir := os.Getenv("REFMON_SAMPLE_DIR")
	if dir == "" {
		t.Skip("no dir")
	}
	s := bulk.Sample{Seed: 1, Objects: 1 << 20, Descriptors: 50000, Principals: 4096, Groups: 800}
	f, _ := os.Create(dir + "/objects.jsonl")
	if err := s.Write(f); err != nil {
		t.Fatal(err)
	}
	f.Close()
	f, _ = os.Create(dir + "/company.json")
	if err := s.Directory(f); err != nil {
		t.Fatal(err)
	}
	s.Descriptors = s.Objects
	f, _ = os.Create(dir + "/distinct.jsonl")
	if err := s.Write(f); err != nil {
		t.Fatal(err)
	}
}
