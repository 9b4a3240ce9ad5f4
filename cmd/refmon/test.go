package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/refmon/refmon/internal/accessquery"
	"github.com/refmon/refmon/internal/cli/expect"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/objects/source"
	"github.com/refmon/refmon/internal/objects/tree"
	"github.com/refmon/refmon/sd"
)

// testCmd holds the arguments and flags of refmon test.
type testCmd struct {
	Files []string `arg:"" name:"file" help:"Files of expectations (YAML), - for standard input."`
	Quiet bool     `short:"q" help:"Print failures and coverage only."`
	JUnit string   `name:"junit" help:"Also write the results to FILE as JUnit XML for a CI system." placeholder:"FILE"`
	JSON  bool     `name:"json" help:"Print each case, and the coverage of each descriptor, as a line of JSON."`
}

// Help returns the long text of --help for refmon test.
func (testCmd) Help() string {
	return `Runs a team's expectations about permissions, for CI. A file names principals (the fields of a token file, or
the name of one), descriptors (SDDL, or {sddl, hex, type}), and what is expected:

  domain: S-1-5-21-1-2-3
  principals:
    alice: {user: S-1-5-21-1-2-3-1107, groups: [DU, AU, WD]}
    backup: backup.json
  descriptors:
    report: O:BAG:SYD:(D;;FW;;;DU)(A;;FA;;;BA)(A;;FR;;;DU)
    hive: {sddl: 'O:BAG:SYD:(A;;KR;;;BU)', type: key}
  expect:
    - {who: alice, on: report, want: FR, is: granted, why: AceAllow DACL 2}
    - {who: [alice, backup], on: [report, hive], want: WD, is: denied}

To test real users and files, name a directory file (or files of other systems), objects files and paths of this
machine. who may then be a user or a group, and on may be a path or a pattern of paths, whose * matches within one
folder. Relative names start at the folder of the file of expectations, and so do relative paths in on:

  directory: company.yaml
  objects: acls.jsonl
  paths: [/srv/share]
  expect:
    - {who: [bob, Staff], on: /srv/share/payroll, want: read, is: denied}
    - {who: Everyone, on: /srv/share/projects/*, want: write, is: denied}

A failing expectation says what was granted and denied, and by which entry. For an unreadable object
every expectation fails. A file below paths also needs search permission on each folder above it, as in
refmon access.

who and on take one name or a list; every principal is asked about every descriptor. want is as in refmon why.
why is one text or a list, and the explanation of refmon why must contain each text. name, self and call are
optional.

At the end the command lists the entries that decided no case, so that no expectation covers them. The
exit code is 0 if every expectation holds, 1 if one does not, 2 if a file is wrong; errors name the line.`
}

// Run runs files of expectations and prints the results. It returns errDenied if one fails. A malformed file ends the
// run, and then no JUnit file is written. Results of files before the malformed one are already printed.
func (c *testCmd) Run(std *streams) error {
	if err := apart(c.JUnit, c.Files...); err != nil {
		return err
	}
	held := true
	var results junit
	for _, name := range c.Files {
		b, err := std.readFile(name)
		if err != nil {
			return err
		}
		f, err := expect.Parse(b, outside(std, name))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		r := f.Run(time.Now)
		held = held && r.Failed == 0
		if c.JSON {
			err = c.printJSON(std, name, r)
		} else {
			err = c.print(std, name, r)
		}
		if err != nil {
			return err
		}
		noteNoDACL(std, name, r)
		results.add(name, r)
	}
	if c.JUnit != "" {
		if err := results.write(c.JUnit); err != nil {
			return err
		}
	}
	return verdict(held)
}

// outside returns functions that open the files that a file of expectations names. Relative names are relative to its
// folder, or to the working directory for "-". Paths are read recursively. The caller closes no input.
func outside(std *streams, name string) expect.Outside {
	base := ""
	if name != "-" {
		base = filepath.Dir(name)
	}
	at := func(file string) string {
		if !filepath.IsAbs(file) {
			file = filepath.Join(base, file)
		}
		return file
	}
	all := func(names []string) (files []string) {
		for _, n := range names {
			files = append(files, at(n))
		}
		return files
	}
	return expect.Outside{
		Base: base,
		Open: func(file string) ([]byte, error) { return std.readFile(at(file)) },
		Directory: func(files []string) (*directory.Directory, error) {
			return (&directoryFlags{Directory: all(files)}).directory(std)
		},
		Objects: func(file string) (objects.Source, error) {
			b, err := std.readAccounts(at(file))
			if err != nil {
				return nil, err
			}
			return source.Open(file, bytes.NewReader(b))
		},
		Paths: func(files []string) (objects.Source, error) {
			o := &objectsFlags{Recurse: true}
			if err := (&traverseFlag{}).choose(o); err != nil {
				return nil, err
			}
			in, err := o.open(std, all(files))
			if err != nil {
				return nil, err
			}
			return in.source, nil
		},
		Folder: func(file string, search *sd.Descriptor) string {
			folders, _ := tree.FoldersTo(file, nil) // after an error the folder has no name
			for _, f := range folders {
				if bytes.Equal(f.Descriptor.AppendOriginal(nil), search.AppendOriginal(nil)) {
					return inLine(f.Path)
				}
			}
			return ""
		},
	}
}

// noteNoDACL prints to standard error how many questions were about a descriptor without a DACL.
func noteNoDACL(std *streams, name string, r *expect.Report) {
	n := 0
	for _, x := range r.Cases {
		if x.Note == accessquery.NoDACL {
			n++
		}
	}
	if n > 0 {
		fmt.Fprintf(std.err, "refmon: %s: in %d of %s %s\n", inLine(name), n, count(len(r.Cases), "case", "cases"),
			accessquery.NoDACL)
	}
}

// print writes the result of each case, the entries of descriptors that decided no case, and the totals of a
// file. With --quiet it leaves out passed cases and complete coverage.
func (c *testCmd) print(std *streams, name string, r *expect.Report) error {
	var b strings.Builder
	name = inLine(name)
	for _, x := range r.Cases {
		what := questionOf(&x)
		switch {
		case x.Problem != "":
			fmt.Fprintf(&b, "%s  %s:%d: %s: %s\n", std.paint(red, "FAIL"), name, x.Line, inLine(what),
				printable(x.Problem))
			if x.Decided != "" {
				fmt.Fprintf(&b, "      %s\n", printable(x.Decided))
			}
			for line := range strings.Lines(strings.TrimSpace(x.Why)) {
				fmt.Fprintf(&b, "      %s\n", printable(strings.TrimSuffix(line, "\n")))
			}
		case !c.Quiet:
			fmt.Fprintf(&b, "%s    %8s  %s: %s\n", std.paint(green, "ok"), x.Took.Round(100*time.Nanosecond),
				inLine(what), granted(x.Granted))
		}
	}
	for _, v := range r.Coverage {
		if len(v.Never) == 0 && c.Quiet {
			continue
		}
		fmt.Fprintf(&b, "coverage  %s: %d of %s decided\n", inLine(v.Name), v.Entries-len(v.Never),
			count(v.Entries, "entry", "entries"))
		for _, e := range v.Never {
			fmt.Fprintf(&b, "      %s:%d: never decided: DACL entry %d %s\n", name, v.Line, e.Index+1, printable(e.Text))
		}
	}
	fmt.Fprintf(&b, "%s: %s, %d failed, %s\n", name, count(len(r.Cases), "case", "cases"), r.Failed,
		r.Took.Round(time.Microsecond))
	_, err := fmt.Fprint(std.out, b.String())
	return err
}

// granted returns "granted" or "denied".
func granted(yes bool) string {
	if yes {
		return "granted"
	}
	return "denied"
}

// printJSON prints each case, and the coverage of each descriptor, as a line of JSON. Durations are in nanoseconds.
// Empty names, notes and problems are left out. An entry list without elements is [].
func (c *testCmd) printJSON(std *streams, name string, r *expect.Report) error {
	enc := json.NewEncoder(std.out)
	enc.SetEscapeHTML(false)
	for _, x := range r.Cases {
		row := map[string]any{"file": name, "line": x.Line, "who": x.Who, "on": x.On, "want": x.Want,
			"is": granted(x.Granted), "expected": granted(x.Expected), "holds": x.Problem == "",
			"took": x.Took.Nanoseconds()}
		if x.Name != "" {
			row["name"] = x.Name
		}
		if x.Note != "" {
			row["note"] = x.Note
		}
		if x.Problem != "" {
			row["problem"] = x.Problem
			if x.By != "" {
				row["by"] = x.By
			}
		}
		if err := enc.Encode(row); err != nil {
			return err
		}
	}
	for _, v := range r.Coverage {
		never := []int{}
		for _, e := range v.Never {
			never = append(never, e.Index)
		}
		if err := enc.Encode(map[string]any{"file": name, "line": v.Line, "descriptor": v.Name, "entries": v.Entries,
			"neverDecided": never}); err != nil {
			return err
		}
	}
	return nil
}
