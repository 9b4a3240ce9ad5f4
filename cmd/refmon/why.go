package main

import (
	"fmt"
	"strings"
)

type whyCmd struct {
	question `embed:""`
	JSON     bool `name:"json" help:"Print the answer as a line of the batch format, with its reasons."`
}

// Help is the long help text.
func (whyCmd) Help() string {
	return `Prints the decision, then what the check did step by step: a row for each entry or stage, a column for each right asked for, + granted, - denied, . left alone, and the rule beside it. Below stands the reason of each right.

  refmon why 'O:BAG:SYD:(D;;FW;;;BG)(A;;FA;;;BA)(A;;FR;;;WD)' --token alice.json --want FR
  refmon why "$(cat secret.sddl)" -t alice.json -w 'FILE_READ_DATA|WRITE_DAC'
  refmon why 'D:(A;;KR;;;BU)' -t alice.json -w MAXIMUM_ALLOWED --type key

Rules are listed in docs/rules. The exit code is 0 granted, 1 denied, 2 malformed.`
}

// Run explains one decision.
func (c *whyCmd) Run(std *streams) error {
	q, err := c.ask(std)
	if err != nil {
		return err
	}
	q.Explain = true
	if c.JSON {
		return printJSON(std, q)
	}
	a, err := q.Ask()
	if err != nil {
		return err
	}
	switch {
	case a.Refused != nil: // the call failed before it decided
		_, err = fmt.Fprintf(std.out, "%s: %s (%s)\n", std.paint(red, a.Status.String()), a.Refused.Because, a.Refused.Rule)
	default:
		_, err = fmt.Fprint(std.out, paintTable(std, printable(a.Why.String())))
	}
	if err != nil {
		return err
	}
	return verdict(a.Allowed())
}

// paintTable colours the words and cells of an explanation.
func paintTable(std *streams, table string) string {
	if !std.colour {
		return table
	}
	verdict, rest, _ := strings.Cut(table, "\n")
	colour := red
	if strings.HasPrefix(verdict, "GRANTED") {
		colour = green
	}
	rest = std.paintWords(rest, map[string]string{
		" + ": green, " - ": red, " granted ": green, " denied ": red,
	})
	return std.paint(bold, std.paint(colour, verdict)) + "\n" + rest
}
