package main

import (
	"bytes"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/internal/lograte"
)

// TestEachTreeHasItsOwnLimitOfLines checks that many files with invalid descriptors in one tree do not keep those of
// another tree out of the log (F-204).
func TestEachTreeHasItsOwnLimitOfLines(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(lograte.New(slog.NewTextHandler(&out, nil)))
	for range 100 {
		logUnbelieved(log, "one")("plan", io.EOF)
	}
	logUnbelieved(log, "two")("diary", io.EOF)
	lines := strings.Count(out.String(), "\n")
	check.That(t, lines < 100 && strings.Contains(out.String(), "path=diary"), "F-204: %d lines\n%s", lines, &out)
}
