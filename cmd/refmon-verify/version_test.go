package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"testing"
)

// The output has the versions of the program and of Go, and the system.
func TestVersionNamesProgramAndGo(t *testing.T) {
	was, out := release, os.Stdout
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	release, os.Stdout = "v1.2.3", w
	code := run([]string{"version"})
	release, os.Stdout = was, out
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	want := fmt.Sprintf("refmon-verify v1.2.3 (%s, %s/%s)\n", runtime.Version(), runtime.GOOS, runtime.GOARCH)
	if err != nil || code != 0 || string(b) != want {
		t.Errorf("%d, %q, want %q, %v", code, b, want, err)
	}
}
