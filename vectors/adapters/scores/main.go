// Command scores runs refmon-kit with an adapter for each implementation that can be had here, and writes the table
// of docs/scores.md. It installs Debian's packages if it is root. An implementation that cannot be installed or built
// keeps a row that says why.
//
//	go -C vectors/adapters run ./scores             # all of them; makes docs/scores.md again
//	go -C vectors/adapters run ./scores -only wine  # prints the table, writes no page
//	go -C vectors/adapters run ./scores -out DIR    # also keeps each result and a sample of 100 wrong answers
//
// Adapters are programs that answer as they like. refmon-kit limits and checks their answers; scores reads its result
// only, runs each adapter with a time limit and never prints a version text without filtering it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// page is the page whose table is regenerated, from the root of the repository.
const page = "docs/scores.md"

// main runs the implementations that the flags select. It exits with 1 after an error.
func main() {
	var o options
	flag.StringVar(&o.only, "only", "", "run these implementations only, separated by commas, and print the table")
	flag.StringVar(&o.out, "out", "", "keep results and samples of wrong answers in `DIR`")
	flag.Uint64Var(&o.seed, "seed", 44, "seed of the samples")
	flag.IntVar(&o.sample, "sample", 100, "wrong answers in a sample")
	flag.BoolVar(&o.install, "install", true, "install missing Debian packages if this is root")
	flag.DurationVar(&o.timeout, "timeout", 20*time.Minute, "time limit of one implementation")
	flag.Parse()
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "scores:", err)
		os.Exit(1)
	}
}

type options struct {
	only, out string
	seed      uint64
	sample    int
	install   bool
	timeout   time.Duration
}

// run scores the implementations one after another.
func run(o options) error {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(root, "docs")); err != nil {
		return fmt.Errorf("run it with go -C vectors/adapters run ./scores: %w", err)
	}
	work, err := os.MkdirTemp("", "refmon-scores-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	b := &bench{root: root, work: work, kit: filepath.Join(work, "refmon-kit"), guard: filepath.Join(work, "guard")}
	if _, err := b.sh(context.Background(), root, "go", "build", "-o", b.kit, "./cmd/refmon-kit"); err != nil {
		return err
	}
	if _, err := b.sh(context.Background(), b.adapters(), "go", "build", "-o", b.guard, "./guard"); err != nil {
		return err
	}
	var rows []row
	for _, i := range implementations {
		if o.only != "" && !slices.Contains(strings.Split(o.only, ","), i.name) {
			continue
		}
		fmt.Fprintln(os.Stderr, "scores:", i.name)
		ctx, cancel := context.WithTimeout(context.Background(), o.timeout)
		r := b.score(ctx, i, o)
		cancel()
		rows = append(rows, r)
	}
	text := table(rows, time.Now())
	if o.only != "" {
		_, err := fmt.Print(text)
		return err
	}
	return replaceTable(filepath.Join(root, page), text)
}
