package main

import (
	"fmt"
	"strings"

	"github.com/refmon/refmon/internal/accessquery"
	"github.com/refmon/refmon/internal/cli/batch"
)

// checkCmd holds the arguments and flags of refmon check.
type checkCmd struct {
	question `embed:""`
	JSON     bool   `name:"json" help:"Print the answer as a line of the batch format."`
	Explain  bool   `help:"Add the reasons (\"why\") to JSON answers."`
	Batch    string `help:"Answer JSON lines of FILE, - for standard input." placeholder:"FILE"`
}

// Help returns the long text of --help for refmon check.
func (checkCmd) Help() string {
	return `For one question the command prints the status and the granted rights, and for a denial a second line with
the reason in words. The exit code is 0 if access is granted, 1 if it is denied, 2 after an error.

  refmon check 'O:BAG:SYD:(A;;FR;;;WD)' --token user --want FR

--batch reads a question from each JSON line and prints a line for it at once, in the same order:

  {"id":1,"token":{"user":"SY"},"sd":"O:SYG:SYD:(A;;FR;;;SY)","desired":"FR"}
  {"id":1,"status":"STATUS_SUCCESS","granted":"0x00120089",…}

Fields of a question:

  id                   any JSON, which the answer repeats
  token                a token file
  tokenRef             in place of token: the name of a token that an earlier
                       line defined: {"define":{"name":{token file}}}; the
                       answer to such a line is {"id":…,"defined":["name"]}
  sd, sdHex            SDDL, or self-relative bytes; null for no descriptor
  desired              the rights: a number, "0x20089" or "FR|WD"
  mapping              a type such as "key", or [read,write,execute,all];
                       default "file"
  selfSid              the SID for PRINCIPAL SELF
  objectTypes          [{"level":0,"guid":"…"}]
  resultList           true: a result for each object type
  resourceAttributes   like userClaims of a token file
  call                 "SeAccessCheck", the default, or "NtAccessCheck"

The answer to a malformed line is {"id":…,"error":"…"}; the following lines are answered, and the exit code is 2.
Otherwise the exit code is 0, also after denials. A line has at most 4 MiB.`
}

// Run answers one question, or a batch with a line for each. It returns errDenied if the one question is denied. With
// --batch every other input of a question is an error. --explain matters only with --json or --batch.
func (c *checkCmd) Run(std *streams) error {
	if c.Batch != "" {
		unused := setFlags(map[string]bool{"token": c.Token != "", "directory": len(c.Directory) > 0, "want": c.Want != "",
			"type": c.Type != "file", "self": c.Self != "", "object-type": len(c.ObjectType) > 0,
			"call": c.Call != "SeAccessCheck"})
		if c.SDDL != "" {
			unused = strings.TrimSuffix("the SDDL, "+unused, ", ")
		}
		if unused != "" {
			return fmt.Errorf("--batch takes its questions from the file: drop %s", unused)
		}
		return std.runBatch(batch.Checks{Explain: c.Explain}.Job(), c.Batch)
	}
	q, err := c.ask(std)
	if err != nil {
		return err
	}
	q.Explain = c.JSON && c.Explain
	a, err := q.Ask()
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(std, q, &a, nil)
	}
	granted := a.Granted.Padded()
	if a.Granted != 0 { // no rights have no colour, as in tables
		granted = std.outcome(true, granted) + " " + q.Request.Type.Names(a.Granted)
	}
	fmt.Fprintf(std.out, "%s granted %s", std.outcome(a.Allowed(), a.Status().String()), granted)
	if names := a.PrivilegesUsed.Names(); len(names) > 0 {
		fmt.Fprintf(std.out, " used %s", strings.Join(names, ","))
	}
	if _, err := fmt.Fprintln(std.out); err != nil {
		return err
	}
	if !a.Allowed() {
		if err := c.sayWhy(std, q); err != nil {
			return err
		}
	}
	return verdict(a.Allowed())
}

// sayWhy asks a denied question again and prints the reason as a sentence. It returns an error of the query or of the
// output, and nil for the denial itself.
func (c *checkCmd) sayWhy(std *streams, q *accessquery.Query) error {
	q.Explain = true
	a, err := q.Ask()
	switch {
	case err != nil:
		return err
	case a.Refused != nil: // the call failed before it decided
		_, err := fmt.Fprint(std.out, std.folded("denied: "+a.Refused.Because, 0))
		return err
	}
	r := decided(q)
	d := denial{want: c.Want, why: a.Why, request: &r, nameOf: namesOf(c.people)}
	_, err = fmt.Fprint(std.out, std.folded(d.sentence(), 0))
	return err
}
