// Package configfile implements the command config of a program with a configuration file. It checks a file and
// prints the shipped configuration.
//
//	type cli struct {
//		Config configfile.Command `cmd:"" help:"Check and explain the configuration."`
//	}
//	kong.New(&cli{}, kong.Bind(&configfile.Program{Out: os.Stdout, Shipped: shipped, Check: check}))
//
// The package has no state.
package configfile

import (
	"fmt"
	"io"
	"math"
	"os"
	"time"
)

// LongestTime is the longest duration in whole seconds, for the checks of times in a configuration.
const LongestTime = int64(math.MaxInt64 / time.Second)

// maxFile is the size limit of Read, in bytes.
const maxFile = 16 << 20

// Read returns the contents of a file that the command line names, such as a configuration. A file larger than 16 MiB,
// or without an end, is an error. Errors of the file system are as [os.ReadFile] returns them. Read waits for the
// writer of a named pipe.
func Read(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // closing a file that was only read loses no data
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("%s is larger than %d MiB", name, maxFile>>20)
	}
	if err != nil {
		return nil, err
	}
	return text, nil
}

// Program describes the program to the command. All fields are required.
type Program struct {
	Out     io.Writer
	Shipped []byte // the configuration with every key and its explanation
	// Check parses a file as the program does. It returns one line with the settings that matter most to an
	// administrator.
	Check func(file string) (summary string, err error)
}

// Command is the command config.
type Command struct {
	Check checkCommand `cmd:"" help:"Check a configuration file."`
	Print printCommand `cmd:"" help:"Print the default configuration with an explanation of each key."`
}

type checkCommand struct {
	File string `arg:"" help:"The configuration file."`
}

// Run checks a configuration file and prints its name and summary as one line. It returns the error of Program.Check
// unchanged and then prints nothing.
func (c checkCommand) Run(p *Program) error {
	summary, err := p.Check(c.File)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.Out, "%s: well formed; %s\n", c.File, summary)
	return err
}

type printCommand struct{}

// Run prints the shipped configuration unchanged. It reads no file.
func (printCommand) Run(p *Program) error {
	_, err := p.Out.Write(p.Shipped)
	return err
}
