// Command refmon-record records the answers of the Windows machine on which it runs to the questions that refmon
// answers. It writes one JSON object a line, in the format of docs/recording.md, for `refmon compare`.
//
//	refmon-record > recording.jsonl
//	refmon-record examples\impersonation.star internal\test\ntostest\testdata\*.txt > recording.jsonl
//
// Without arguments it records the built-in questions. A .star file is a program of `refmon run`, a .txt file a
// transcript whose cases are programs. A question that cannot be recorded, because a privilege or a function is
// missing, becomes a line with the reason. `refmon-record version` prints the version. The exit code is 0 if a
// recording was written, 2 if not.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/refmon/refmon/internal/cli/replay"
	"github.com/refmon/refmon/internal/cli/version"
	"github.com/refmon/refmon/winnt"
)

// release is set by release builds: -ldflags "-X main.release=v1.2.3".
var release = ""

// main runs the recorder, or the agent if it is the only argument. It exits with 2 after an error. "version" prints the
// version.
func main() {
	if len(os.Args) == 2 && os.Args[1] == agentArgument {
		os.Exit(serve(os.Stdin, os.Stdout))
	}
	if len(os.Args) == 2 && os.Args[1] == "version" {
		fmt.Println(version.Line("refmon-record", release))
		return
	}
	if err := record(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "refmon-record:", err)
		os.Exit(2)
	}
}

// asker records the answers of this machine to questions. do runs on the thread that called record.
type asker struct {
	do     gate
	tokens string // replay.MadeTokens or replay.OwnToken
	w      *replay.Writer
	rm     uint64 // the resource manager of AuthZ, made when used
}

// record writes a recording to out: the header, the built-in questions and the programs of files. The header says
// whether tokens can be created. It fails on systems other than 64-bit Windows. The first failing file ends the
// recording, which is then incomplete.
func record(files []string, out io.Writer) (err error) {
	if !onWindows {
		return errors.New("this asks Windows, but this system is another: build it with GOOS=windows and run it there, or " +
			"with Wine (docs/recording.md)")
	}
	if strconv.IntSize != 64 {
		return errors.New("the layouts of structures are those of 64-bit Windows: build this with GOARCH=amd64 or arm64")
	}
	a := &asker{do: do, tokens: replay.OwnToken}
	h := replay.Header{Date: time.Now().UTC().Format(time.DateOnly), Recorder: version.Line("refmon-record", release)}
	if h.System, err = a.system(); err != nil {
		return err
	}
	if h.Token, err = a.ownToken(); err != nil {
		return fmt.Errorf("the token of this process: %w", err)
	}
	if a.enable(winnt.SeCreateTokenPrivilege, winnt.SeAssignPrimaryTokenPrivilege, winnt.SeIncreaseQuotaPrivilege) {
		a.tokens = replay.MadeTokens
	}
	h.Tokens = a.tokens
	b := bufio.NewWriter(out)
	if a.w, err = replay.NewWriter(b, h); err != nil {
		return err
	}
	if err := a.questions(); err != nil {
		return err
	}
	for _, name := range expand(files) {
		if err := a.file(name, h.Token); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if err := a.w.End(); err != nil {
		return err
	}
	return b.Flush()
}

// expand expands file patterns, which a Windows shell does not do. A pattern without a match stays, and is later
// reported as a missing file.
func expand(patterns []string) (files []string) {
	for _, p := range patterns {
		if names, err := filepath.Glob(p); err == nil && len(names) > 0 {
			files = append(files, names...)
			continue
		}
		files = append(files, p)
	}
	return files
}

// questions asks the built-in questions and writes a line for each. An answer can add its inverse question to the
// list. A failure status is an answer. A question that this system cannot answer is written as skipped. Any other
// error ends the recording.
func (a *asker) questions() error {
	list, err := replay.Questions()
	if err != nil {
		return err
	}
	for i := 0; i < len(list); i++ { // not range, because the loop appends to list
		q := list[i]
		l := replay.Line{Case: q.Case, Call: q.Call, In: q.In, Rules: q.Rules}
		l.Status, l.Out, err = a.ask(q)
		var why *skipError
		switch {
		case errors.As(err, &why):
			l.Skipped = why.why
		case err != nil:
			return fmt.Errorf("%s: %w", q.Case, err)
		}
		if err := a.w.Write(l); err != nil {
			return err
		}
		if back, ok := q.Back(l.Out); ok {
			list = append(list, back)
		}
	}
	return nil
}
