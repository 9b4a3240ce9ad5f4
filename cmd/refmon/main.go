// Command refmon answers questions about Windows-compatible access control: whether a token is granted access,
// through which entry, and why. Each command is in one file; `refmon --help` lists the commands and `refmon COMMAND
// --help` explains one. The exit code is 0 if access is granted or everything held, 1 if it is denied or something
// differed, 2 if the question was malformed or could not be answered.
package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"reflect"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/refmon/refmon/internal/cli/batch"
	"github.com/refmon/refmon/internal/cli/flags"
	"github.com/refmon/refmon/internal/cli/version"
)

// cli is the command line. Each command is a field here and a file in this folder.
type cli struct {
	Why       whyCmd       `cmd:"" help:"Explain an access decision: which entry decided each right, and by which rule."`
	Check     checkCmd     `cmd:"" help:"Decide access, for one question or for JSON lines of them."`
	WhoCan    whoCanCmd    `cmd:"" name:"who-can" help:"List who has a right on each of many objects."`
	WhatCan   whatCanCmd   `cmd:"" name:"what-can" help:"List what a user can do with each of many objects."`
	Reach     reachCmd     `cmd:"" help:"List the objects that a user can take control of step by step, and why."`
	Access    accessCmd    `cmd:"" help:"Explain what a user may do with an object."`
	Private   privateCmd   `cmd:"" help:"Say whether anyone but one user may read or change an object, and who."`
	Diff      diffCmd      `cmd:"" help:"List who gained or lost rights between two states, and why."`
	Directory directoryCmd `cmd:"" help:"Write the directory file of users and groups."`
	Report    reportCmd    `cmd:"" help:"Write one HTML file that shows who can access what."`
	ACL       aclCmd       `cmd:"" name:"acl" help:"Read and change the security descriptors of files."`
	SDDL      sddlCmd      `cmd:"" name:"sddl" help:"Explain a security descriptor; convert text to bytes and back."`
	SID       sidCmd       `cmd:"" name:"sid" help:"Explain a security identifier; convert text to bytes and back."`
	Lint      lintCmd      `cmd:"" help:"Find problems in a security descriptor that affect every token."`
	Fmt       fmtCmd       `cmd:"" help:"Print SDDL in canonical form."`
	Test      testCmd      `cmd:"" help:"Run a file of expectations about permissions, for CI."`
	Token     tokenCmd     `cmd:"" help:"Work with token files."`
	Run       runCmd       `cmd:"" help:"Run a program that calls the kernel, and print the transcript."`
	Repl      replCmd      `cmd:"" help:"Run statements of such a program one at a time."`
	Compare   compareCmd   `cmd:"" help:"Compare refmon with a recording of Windows and list the differences by rule."`
	Audit     auditCmd     `cmd:"" help:"Read, export and verify an audit log."`
	Services  servicesCmd  `cmd:"" help:"List the kernel's services, and each service's statuses with their rules."`

	Completion completionCmd `cmd:"" help:"Print the script that completes command lines with Tab in bash, zsh or fish."`

	Help    helpCmd    `cmd:"" help:"Explain a command, a topic (rights, tokens, exits) or a rule such as A-71."`
	Version versionCmd `cmd:"" help:"Print the version."`

	Common commonFlags `embed:""`
}

// commonFlags are the flags of all commands.
type commonFlags struct {
	Color string `help:"${color}" default:"auto" enum:"auto,always,never" placeholder:"WHEN"`

	ShowVersion kong.VersionFlag `name:"version" help:"Print the version: release, revision, toolchain."`
}

// grammar returns a pointer to a struct for kong, and the flags in it. The struct has the command that args begin with
// and no other command, because the parser of all commands takes most of the start-up time. It has all commands if args
// begin with none, or with one that prints the others.
func grammar(args []string) (any, *commonFlags) {
	all := reflect.TypeFor[cli]()
	for i := range all.NumField() {
		f := all.Field(i)
		name := cmp.Or(f.Tag.Get("name"), strings.ToLower(f.Name))
		if len(args) > 0 && args[0] == name && f.Name != "Help" && f.Name != "Completion" && f.Name != "Common" {
			common, _ := all.FieldByName("Common")
			v := reflect.New(reflect.StructOf([]reflect.StructField{f, common}))
			return v.Interface(), v.Elem().Field(1).Addr().Interface().(*commonFlags)
		}
	}
	c := &cli{}
	return c, &c.Common
}

const description = `refmon decides access as Windows documents it, and explains each decision.

A security descriptor lists who may do what with an object. A token identifies the caller. Start with

  refmon why 'O:BAG:SYD:(D;;FW;;;BG)(A;;FR;;;WD)' --token guest --want read

Exit codes: 0 granted or success, 1 denied or different, 2 an error in the arguments or the input.`

// Exit codes (DESIGN section 6).
const (
	exitGranted   = 0
	exitDenied    = 1
	exitMalformed = 2
)

var (
	// errDenied ends a verb whose answer is no; the answer has been printed.
	errDenied = errors.New("denied")
	// errReported means that the command has printed its errors, line by line.
	errReported = errors.New("some lines were malformed")
)

// streams holds the input and output of a command. Only the parser changes helped; the rest is immutable.
type streams struct {
	in       io.Reader
	out, err io.Writer
	colour   bool             // out is a terminal and NO_COLOR is not set, or the user says so
	width    int              // columns of the terminal that out is; 0: of a file or a pipe
	helped   bool             // a help page or the version was printed
	pipes    map[string]*pipe // by name, those that were read; nil outside of a command
}

// main runs the command on the process's arguments and streams, and exits with its code.
func main() {
	os.Exit(run(os.Args[1:], &streams{in: os.Stdin, out: os.Stdout, err: messages(os.Stderr, widthOf(os.Stderr)),
		colour: wantColour(os.Stdout), width: widthOf(os.Stdout)}))
}

// run runs one command line and returns the exit code. Without arguments it prints the help. Errors of the command line
// are printed with the help to look at, and return exitMalformed. Pipes are closed at the end.
func run(args []string, std *streams) int {
	commands, common := grammar(args)
	parser, err := kong.New(commands,
		kong.Name("refmon"),
		kong.Description(description),
		kong.Writers(std.out, std.err),
		kong.Exit(func(int) { std.helped = true }),
		flagTexts,
		flags.Options(),
		kong.Vars{"version": version.Line("refmon", release)},
		kong.Bind(std),
	)
	if err != nil {
		return report(std, err)
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	ctx, err := parser.Parse(args)
	if std.helped { // the error of Parse is meaningless then
		return exitGranted
	}
	if err == nil {
		err = flags.CheckValues(ctx)
	}
	if err != nil {
		report(std, withFormat(flags.Explain(err)))
		fmt.Fprintf(std.err, "see %s\n", flags.HelpFor(parser, args))
		return exitMalformed
	}
	if common.Color != "auto" {
		std.colour = common.Color == "always"
	}
	std.pipes = map[string]*pipe{}
	defer std.closePipes()
	return report(std, ctx.Run(parser))
}

// report prints the error of a command, unless it was printed already, and returns the exit code. For nil it prints
// nothing and returns 0. errDenied, errBroken and errReported have exit codes of their own and print nothing. If one of
// them is joined with other errors, report prints the others and returns the highest exit code. The message is
// shortened.
func report(std *streams, err error) int {
	joined, ok := errorAs[interface {
		error
		Unwrap() []error
	}](err)
	known := errors.Is(err, errDenied) || errors.Is(err, errBroken) || errors.Is(err, errReported)
	switch {
	case err == nil:
		return exitGranted
	case ok && known:
		code := exitGranted
		for _, part := range joined.Unwrap() {
			code = max(code, report(std, part))
		}
		return code
	case errors.Is(err, errDenied):
		return exitDenied
	case errors.Is(err, errBroken):
		return exitBroken
	case errors.Is(err, errReported):
		return exitMalformed
	}
	text := err.Error()
	if path, ok := errorAs[*fs.PathError](err); ok {
		shown := *path
		shown.Path = inLine(path.Path)
		text = strings.Replace(text, path.Error(), shown.Error(), 1)
	}
	fmt.Fprintf(std.err, "refmon: %s\n", printable(batch.Shorten(text)))
	if under := pointedAt(err); under != "" {
		fmt.Fprintln(std.err, under)
	}
	return exitMalformed
}

// joinEnd joins the error of a command and that of the end of its output. After a failed write the end has the same
// error, which joinEnd does not repeat.
func joinEnd(err, end error) error {
	if errors.Is(err, end) {
		return err
	}
	return errors.Join(err, end)
}

// errorAs returns the wrapped error of type E; ok is false if there is none.
func errorAs[E error](err error) (e E, ok bool) {
	ok = errors.As(err, &e)
	return e, ok
}
