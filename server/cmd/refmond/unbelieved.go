package main

import (
	"log/slog"

	"github.com/refmon/refmon/server/internal/lograte"
)

// logUnbelieved returns a function that logs a file whose stored descriptor is invalid, so that everybody is denied
// access. It logs a few files per minute (F-204).
func logUnbelieved(log *slog.Logger, tree string) func(string, error) {
	log = log.With(lograte.Client, "tree "+tree)
	return func(path string, cause error) {
		log.Warn("a file denies everybody: its descriptor is invalid; see refmon acl repair", "path", path, "cause", cause)
	}
}
