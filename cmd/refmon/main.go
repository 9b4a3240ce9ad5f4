// Command refmon answers questions about Windows-compatible access control: may
// this token have that access, through which entry, and why. One file holds one
// verb; `refmon --help` lists them and `refmon VERB --help` teaches each.
//
// The exit code is 0 if access is granted or everything held, 1 if it is denied
// or something differed, 2 if the question was malformed or could not be
// answered.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/alecthomas/kong"
	kongcompletion "github.com/jotaen/kong-completion"

	"github.com/refmon/refmon/internal/verbs/batch"
	"github.com/refmon/refmon/internal/verbs/version"
)

// cli is the command line; each verb is a field here and a file beside this one.
type cli struct {
	Why       whyCmd       `cmd:"" help:"Explain an access decision: which entry decided each right, and by which rule."`
	Check     checkCmd     `cmd:"" help:"Decide access, for one question or for JSON lines of them."`
	WhoCan    whoCanCmd    `cmd:"" name:"who-can" help:"List who has a right on each of many objects."`
	WhatCan   whatCanCmd   `cmd:"" name:"what-can" help:"List what a user can do with each of many objects."`
	Reach     reachCmd     `cmd:"" help:"List what a user gets control of step by step, and through which entries."`
	Access    accessCmd    `cmd:"" help:"Explain what a user may do with an object."`
	Diff      diffCmd      `cmd:"" help:"List who gained or lost rights between two states, and why."`
	Directory directoryCmd `cmd:"" help:"Make the directory file of users and groups."`
	Report    reportCmd    `cmd:"" help:"Write one HTML file that shows who reaches what."`
	ACL       aclCmd       `cmd:"" name:"acl" help:"Read the security descriptors of files."`
	SDDL      sddlCmd      `cmd:"" name:"sddl" help:"Take a security descriptor apart; text to bytes and back."`
	SID       sidCmd       `cmd:"" name:"sid" help:"Explain a security identifier; text to bytes and back."`
	Lint      lintCmd      `cmd:"" help:"Say what is wrong with a security descriptor for every token."`
	Fmt       fmtCmd       `cmd:"" help:"Print SDDL in canonical text."`
	Test      testCmd      `cmd:"" help:"Run a file of expectations about permissions, for CI."`
	Token     tokenCmd     `cmd:"" help:"Work with token files."`
	Run       runCmd       `cmd:"" help:"Run a program that calls the kernel, and print the transcript."`
	Repl      replCmd      `cmd:"" help:"The same language, one statement at a time."`
	Compare   compareCmd   `cmd:"" help:"Show where a recording of Windows differs, by rule."`
	Audit     auditCmd     `cmd:"" help:"Read, export and verify an audit log."`
	Services  servicesCmd  `cmd:"" help:"List what the kernel can do, and each service's statuses with their rules."`

	Completion kongcompletion.Completion `cmd:"" help:"Print what turns completion by Tab on in bash, zsh or fish."`

	Help    helpCmd    `cmd:"" help:"Explain a verb or a topic: rights, tokens, exits."`
	Version versionCmd `cmd:"" help:"Print the version."`

	Color string `help:"${color}" default:"auto" enum:"auto,always,never" placeholder:"WHEN"`

	ShowVersion kong.VersionFlag `name:"version" help:"Print the version: release, revision, toolchain."`
}

const description = `refmon decides as Windows documents, and says why.

A security descriptor says who may do what to an object; a token says who asks. Start with

  refmon why 'O:BAG:SYD:(D;;FW;;;BG)(A;;FR;;;WD)' --token guest --want read

Exit codes: 0 granted or all well, 1 denied, 2 the question was malformed.`

// Exit codes (DESIGN section 6).
const (
	exitGranted   = 0
	exitDenied    = 1
	exitMalformed = 2
)

var (
	// errDenied ends a verb whose answer is no; the answer has been printed.
	errDenied = errors.New("denied")
	// errReported ends a verb that has printed what was wrong, line by line.
	errReported = errors.New("some lines were malformed")
)

// streams is where a verb reads and writes. Immutable.
type streams struct {
	in       io.Reader
	out, err io.Writer
	colour   bool // out is a terminal and NO_COLOR is not set, or the user says so
	width    int  // columns of the terminal that out is; 0: of a file or a pipe
}

func main() {
	os.Exit(run(os.Args[1:], &streams{in: os.Stdin, out: os.Stdout, err: os.Stderr, colour: wantColour(os.Stdout),
		width: widthOf(os.Stdout)}))
}

// run runs one command line and returns the exit code.
func run(args []string, std *streams) int {
	var c cli
	parser, err := kong.New(&c,
		kong.Name("refmon"),
		kong.Description(description),
		kong.Writers(std.out, std.err),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100, NoExpandSubcommands: true}),
		flagTexts,
		kong.Vars{"version": version.Line("refmon", release)},
		kong.Bind(std),
	)
	if err != nil {
		return report(std, err)
	}
	if completed(parser) {
		return exitGranted
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	ctx, err := parser.Parse(args)
	if err != nil {
		report(std, err)
		fmt.Fprintf(std.err, "see %s\n", usageOf(args, parser))
		return exitMalformed
	}
	if c.Color != "auto" {
		std.colour = c.Color == "always"
	}
	return report(std, ctx.Run(parser))
}

// completed answers a shell that asks how a line goes on; it reports whether one did.
func completed(parser *kong.Kong) (done bool) {
	if os.Getenv("COMP_LINE") != "" {
		kongcompletion.Register(parser, kongcompletion.WithExitFunc(func(int) { done = true }))
	}
	return done
}

// report prints an error that a verb returned and chooses the exit code.
func report(std *streams, err error) int {
	switch {
	case err == nil:
		return exitGranted
	case errors.Is(err, errDenied):
		return exitDenied
	case errors.Is(err, errBroken):
		return exitBroken
	case errors.Is(err, errReported):
		return exitMalformed
	}
	fmt.Fprintf(std.err, "refmon: %s\n", printable(batch.Shorten(err.Error())))
	if under := pointedAt(err); under != "" {
		fmt.Fprintln(std.err, under)
	}
	return exitMalformed
}

// errorAs returns the error of a type that is wrapped in another.
func errorAs[E error](err error) (e E, ok bool) {
	ok = errors.As(err, &e)
	return e, ok
}

// usageOf names the help to read after a wrong command line.
func usageOf(args []string, parser *kong.Kong) string {
	for _, verb := range parser.Model.Children {
		if !strings.HasPrefix(args[0], "-") && verb.Name == args[0] {
			return "refmon " + verb.Name + " --help"
		}
	}
	return "refmon --help"
}
