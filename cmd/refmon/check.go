package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/refmon/refmon/internal/cli/batch"
)

type checkCmd struct {
	question `embed:""`
	JSON     bool   `name:"json" help:"Print the answer as a line of the batch format."`
	Explain  bool   `help:"Add the reasons (\"why\") to JSON answers."`
	Batch    string `help:"Answer JSON lines of FILE, - for standard input." placeholder:"FILE"`
}

// Help returns the long help text.
func (checkCmd) Help() string {
	return `One question prints the status and the rights granted; the exit code is 0 granted, 1 denied, 2 malformed.

  refmon check 'O:BAG:SYD:(A;;FR;;;WD)' --token user --want FR

Batch reads JSON lines and prints one line for each, in the same order, as soon as it is known:

  {"id":1,"token":{"user":"S-1-5-21-1-2-3-1107"},"sd":"O:BAG:SYD:(A;;FR;;;WD)","desired":"FR"}
  {"id":1,"status":"STATUS_SUCCESS","granted":"0x00120089","privilegesUsed":[]}

Fields: id (any JSON, echoed); token (a token file) or tokenRef (a name that an earlier line {"define":{"name":{token
file}}} gave; such a line is answered by {"id":…,"defined":["name"]}); sd (SDDL) or sdHex (self-relative bytes), null
for none; desired (number, "0x20089" or "FR|WD"); mapping (a type such as "key", or [read,write,execute,all]; default
"file"); selfSid; objectTypes ([{"level":0,"guid":"…"}]); resultList (true: a result for each object type);
resourceAttributes (like userClaims of a token file); call ("SeAccessCheck", the default, or "NtAccessCheck").

A malformed line gives {"id":…,"error":"…"} and the others go on; the exit code is then 2. Without one it is 0,
whatever was granted or denied: a denial is an answer. A line has at most 4 MiB.`
}

// Run answers one question or a batch.
func (c *checkCmd) Run(std *streams) error {
	if c.Batch != "" {
		if c.SDDL != "" || c.Token != "" || c.Want != "" {
			return errors.New("--batch takes its questions from the file: drop the SDDL, --token and --want")
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
	return verdict(a.Allowed())
}
