package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/calltext"
	"github.com/refmon/refmon/internal/cli/script"
	"github.com/refmon/refmon/internal/win32"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
)

// servicesCmd holds the arguments and flags of refmon services.
type servicesCmd struct {
	Name    string `arg:"" optional:"" help:"One service: its parameters and each status with its condition and rule."`
	Faults  bool   `help:"${faults}"`
	Profile string `enum:"documented,observed" default:"documented" help:"Profile for --faults: documented or observed."`
	JSON    bool   `help:"Print the result as JSON."`
}

// Help returns the long text of --help for refmon services.
func (servicesCmd) Help() string {
	return `Lists the user-mode services (Nt*) and kernel-mode routines (Zw*, Ps*) with their completeness. With a name
it prints the failure conditions of that service in the order in which they are tested.`
}

// Run prints the table of services, or one row of it, with --faults its refusals. An unknown name is an error. --faults
// without a name is an error.
func (c *servicesCmd) Run(std *streams) error {
	if c.Name == "" {
		if c.Faults {
			return errors.New("--faults needs the name of a service, such as NtDuplicateToken")
		}
		return c.list(std)
	}
	row, err := script.Find(c.Name)
	switch {
	case err != nil:
		return err
	case c.Faults:
		return c.printRefusals(std, row, c.profile())
	}
	return c.one(std, row)
}

// profile returns the profile of --profile: [nt.Observed] if it was named, and otherwise [nt.Documented].
func (c *servicesCmd) profile() nt.Profile {
	if c.Profile == nt.Observed.String() {
		return nt.Observed
	}
	return nt.Documented
}

// list prints each service with its support and summary in three groups, and counts them. With --json it prints
// a line of JSON for each instead.
func (c *servicesCmd) list(std *streams) error {
	if c.JSON {
		return c.listJSON(std)
	}
	var text bytes.Buffer
	w := tabwriter.NewWriter(&text, 0, 4, 2, ' ', 0)
	complete, all := 0, 0
	for _, part := range []struct {
		title string
		t     *nt.Table
	}{{"User mode: methods of a thread", &nt.NtTable}, {"Win32 functions: methods of a thread", &win32.Table},
		{"Kernel mode: methods of kernel_mode(thread) or system()", &kernel.Table}} {
		fmt.Fprintf(w, "%s\n", part.title)
		for row := range part.t.All {
			m := row.Info()
			all++
			if m.Missing == "" {
				complete++
			}
			fmt.Fprintf(w, "  %s\t%s\t%s\n", m.Name, m.Support(), m.Summary)
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "%d services, %d complete, %d partial; unlisted services do not exist yet.\n", all, complete,
		all-complete)
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := io.WriteString(std.out, std.underRows(text.String()))
	return err
}

// listJSON prints one line of JSON for each service. It stops at the first error of writing.
func (c *servicesCmd) listJSON(std *streams) error {
	for row := range script.Rows {
		if err := c.one(std, row); err != nil {
			return err
		}
	}
	return nil
}

// one prints one service: its signature, results, source and audit events, and its statuses in the order of their
// tests. With --json it prints the service as JSON instead.
func (c *servicesCmd) one(std *streams, row *nt.Row) error {
	m := row.Info()
	if c.JSON {
		return json.NewEncoder(std.out).Encode(serviceJSON(row))
	}
	support := "support  " + m.Support()
	if m.Missing != "" {
		support += ": " + m.Missing
	}
	signature := calltext.Signature(row)
	head := std.folded(signature+": "+m.Summary, 0)
	if rest, ok := strings.CutPrefix(head, signature); ok {
		head = std.paint(bold, signature) + rest
	}
	fmt.Fprint(std.out, head, std.folded(support, 2),
		std.folded("returns  "+strings.Join(calltext.OutNames(row), ", "), 2), std.folded("source   "+m.Document(), 2))
	if e := m.Events(); len(e) > 0 {
		fmt.Fprint(std.out, std.folded("records  "+eventNames(e), 2))
	}
	fmt.Fprint(std.out, "\nStatuses, in the order of the tests:\n")
	var text bytes.Buffer
	w := tabwriter.NewWriter(&text, 0, 4, 2, ' ', 0)
	for _, k := range m.Conditions {
		fmt.Fprintf(w, "  %s\t%s\t%s\n", k.Rule, k.Status, k.When)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := io.WriteString(std.out, std.underRows(text.String()))
	return err
}

// eventNames returns the numbers and titles of a service's audit records, separated by commas, "" if it has none.
func eventNames(ids []uint16) string {
	var names []string
	for _, id := range ids {
		title := "an impersonation upward" // refmon's own event, which KindOf does not know
		if k, ok := audit.KindOf(id); ok {
			title = k.Title
		}
		names = append(names, fmt.Sprintf("%d %s", id, title))
	}
	return strings.Join(names, ", ")
}

// serviceJSON returns the fields of a service for JSON. "missing" is absent for a complete service, and
// "events" for one without audit events.
func serviceJSON(row *nt.Row) map[string]any {
	m := row.Info()
	statuses := []map[string]string{}
	for _, k := range m.Conditions {
		statuses = append(statuses, map[string]string{"status": k.Status.String(), "rule": k.Rule, "when": k.When})
	}
	o := map[string]any{"name": m.Name, "number": m.Number, "summary": m.Summary, "support": m.Support(),
		"source": m.Document(),
		"in":     calltext.InNames(row), "out": calltext.OutNames(row), "statuses": statuses}
	if m.Missing != "" {
		o["missing"] = m.Missing
	}
	if e := m.Events(); len(e) > 0 {
		o["events"] = e
	}
	return o
}
