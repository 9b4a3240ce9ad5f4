package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// result is what refmon-kit prints with --json.
type result struct {
	Suites []count
	Wrong  []json.RawMessage
}

// count is the score of one suite, of the questions that are known in one way.
type count struct {
	Suite, Known                     string
	Asked, Right, Wrong, Unsupported int
	Differs                          int // from a decision of refmon, where documents are silent
}

// row is a row of the table. Missing says why there is no result.
type row struct {
	implementation
	got     string // the version
	result  *result
	missing string
}

// maxResult limits what is read of the kit's result.
const maxResult = 1 << 30

// score installs and builds an implementation and runs the kit with it.
func (b *bench) score(ctx context.Context, i implementation, o options) row {
	r := row{implementation: i}
	fail := func(err error) row {
		r.missing = clean(err.Error())
		fmt.Fprintln(os.Stderr, "scores:", i.name+":", r.missing)
		return r
	}
	if err := b.prepare(ctx, i, o.install); err != nil {
		return fail(err)
	}
	version, err := b.sh(ctx, b.root, i.version[0], i.version[1:]...)
	if i.name == "cloudsoda" {
		version, err = b.sh(ctx, b.adapters(), i.version[0], i.version[1:]...)
	}
	if err != nil {
		return fail(err)
	}
	r.got = clean(version)
	command, err := i.build(b)
	if err != nil {
		return fail(err)
	}
	text, err := b.ask(ctx, i, command)
	if err != nil {
		return fail(err)
	}
	r.result = new(result)
	if err := json.Unmarshal(text, r.result); err != nil {
		return fail(err)
	}
	if o.out != "" {
		if err := keep(o, i.name, text, r.result); err != nil {
			return fail(err)
		}
	}
	return r
}

// ask runs the kit with the adapter's command and returns its JSON. Wrong answers are not an error.
func (b *bench) ask(ctx context.Context, i implementation, command []string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, b.kit, append([]string{"run", "--json", "-", "--", b.guard}, command...)...)
	cmd.Dir = b.work
	cmd.Env = os.Environ()
	for _, e := range i.env {
		cmd.Env = append(cmd.Env, strings.ReplaceAll(e, "WORK", b.work))
	}
	var out, messages bytes.Buffer
	cmd.Stdout, cmd.Stderr = &limited{&out, maxResult}, &limited{&messages, 1 << 16}
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.ExitCode() == 1 && ctx.Err() == nil {
		err = nil // some answers are wrong
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, messages.Bytes()[max(0, messages.Len()-300):])
	}
	return out.Bytes(), nil
}

// limited is a writer that fails after n bytes.
type limited struct {
	to *bytes.Buffer
	n  int
}

func (l *limited) Write(b []byte) (int, error) {
	if l.to.Len()+len(b) > l.n {
		return 0, errors.New("too much output")
	}
	return l.to.Write(b)
}

// keep writes the result and a random sample of its wrong answers.
func keep(o options, name string, text []byte, r *result) error {
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(o.out, name+".json"), text, 0o644); err != nil {
		return err
	}
	rnd := rand.New(rand.NewPCG(o.seed, 0))
	var sample bytes.Buffer
	for _, i := range rnd.Perm(len(r.Wrong))[:min(o.sample, len(r.Wrong))] {
		if err := json.Compact(&sample, r.Wrong[i]); err != nil {
			return err
		}
		sample.WriteByte('\n')
	}
	return os.WriteFile(filepath.Join(o.out, name+".sample.jsonl"), sample.Bytes(), 0o644)
}

// clean returns a text of another program as one short line without characters that mean something in a table.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r < ' ' || r > '~':
			return ' '
		case strings.ContainsRune("|`<>[]*_\\", r):
			return '-'
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	return s[:min(len(s), 120)]
}
