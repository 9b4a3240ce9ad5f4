package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// TestShellsOfferCompletions sources the scripts in real shells and requests completions of a command line from each.
func TestShellsOfferCompletions(t *testing.T) {
	// Each shell gets the script's name and the words of the line, of which the last is completed.
	shells := map[string][]string{
		"bash": {"bash", "--norc", "-c", `source "$1"; shift
			COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)); _refmon; printf '%s\n' "${COMPREPLY[@]}"`, "-"},
		"zsh": {"zsh", "-f", "-c", `compdef() {}; source "$1"; shift; setopt ksharrays
			COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)); _refmon; printf '%s\n' "${COMPREPLY[@]}"`, "-"},
		"fish": {"fish", "--no-config", "-c", `source $argv[1]; complete -C "$argv[2..]" | cut -f1`},
	}
	lines := []struct {
		line       string
		want, lack []string
	}{
		{"refmon wh", []string{"who-can", "why", "what-can"}, []string{"diff"}},
		{"refmon what-can --no", []string{"--nothing"}, []string{"--names"}},
		{"refmon audit v", []string{"verify"}, []string{"version"}},
		{"refmon --color always audit v", []string{"verify"}, []string{"version"}},
		{"refmon why --color a", []string{"always", "auto"}, []string{"access", "never"}},
		{"refmon who-can -f j", []string{"jsonl"}, []string{"csv"}},
		{"refmon completion ", []string{"bash", "zsh", "fish"}, []string{"why"}},
		{"refmon nosuchverb --wan", nil, []string{"--want"}},
	}
	for shell, program := range shells {
		t.Run(shell, func(t *testing.T) {
			if _, err := exec.LookPath(shell); err != nil {
				t.Skipf("%s is not installed", shell)
			}
			script := filepath.Join(t.TempDir(), "script")
			var out, errs bytes.Buffer
			if code := run([]string{"completion", shell}, &streams{out: &out, err: &errs}); code != exitGranted {
				t.Fatalf("exit code %d: %s, want %d", code, errs.String(), exitGranted)
			}
			check.NoError(t, os.WriteFile(script, out.Bytes(), 0o600))
			for _, l := range lines {
				args := append(slices.Clone(program[1:]), script)
				printed, err := exec.Command(program[0], append(args, strings.Split(l.line, " ")...)...).CombinedOutput()
				check.RequireThat(t, err == nil, "%q: %v\n%s", l.line, err, printed)
				got := strings.Fields(string(printed))
				for _, w := range l.want {
					check.That(t, slices.Contains(got, w), "%q: got %q, want %q among them", l.line, got, w)
				}
				if shell == "zsh" { // its completion system drops what does not match, after the script
					continue
				}
				for _, w := range l.lack {
					check.That(t, !slices.Contains(got, w), "%q: got %q, want no %q", l.line, got, w)
				}
			}
		})
	}
}

// TestScriptsOfOtherShells checks the scripts for zsh and fish also where these are not installed: zsh uses that of
// bash. For fish, help texts have apostrophes, and a short flag has the values of the long one.
func TestScriptsOfOtherShells(t *testing.T) {
	_, bash, _ := runLine("completion", "bash")
	_, zsh, _ := runLine("completion", "zsh")
	check.Equal(t, zsh, "autoload -U +X bashcompinit && bashcompinit\n"+bash, "script for zsh")
	_, script, _ := runLine("completion", "fish")
	for line := range strings.Lines(script) {
		check.Equal(t, strings.Count(strings.ReplaceAll(line, `\'`, ""), "'")%2, 0, "open quotation: %s", line)
	}
	const values = ` -xa 'table jsonl csv'`
	check.That(t, strings.Contains(script, " -s f"+values) && strings.Contains(script, " -l format"+values),
		"no values of --format or -f:\n%s", script)
}

func TestCompletionNeedsAShell(t *testing.T) {
	for _, args := range [][]string{{"completion"}, {"completion", "tcsh"}} {
		var out, errs bytes.Buffer
		if code := run(args, &streams{out: &out, err: &errs}); code != exitMalformed || out.Len() > 0 {
			t.Errorf("%q: exit code %d and %q, want %d and nothing", args, code, out.String(), exitMalformed)
		}
	}
}
