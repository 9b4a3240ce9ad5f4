package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"text/tabwriter"

	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// tokenCmd has the commands about tokens.
type tokenCmd struct {
	Show   tokenShowCmd   `cmd:"" help:"Show the contents of a token file with all defaults."`
	Filter tokenFilterCmd `cmd:"" help:"Create a restricted token: deny-only groups, fewer privileges, restricting SIDs."`
	Lowbox tokenLowBoxCmd `cmd:"" help:"Create an AppContainer token."`
	Diff   tokenDiffCmd   `cmd:"" help:"List the differences between two tokens."`
}

// tokenShowCmd holds the arguments and flags of refmon token show.
type tokenShowCmd struct {
	File string `arg:"" help:"Token file, - for standard input."`
	JSON bool   `name:"json" help:"Print the normalised token file instead of a table."`
}

// Help returns the long text of --help for refmon token show.
func (tokenShowCmd) Help() string {
	return `A token file is JSON that describes the caller. Only "user" is required:

  {"user":"S-1-5-21-1-2-3-1107","groups":["DU","BU"],
    "privileges":["SeChangeNotifyPrivilege"]}

SIDs may be aliases. Aliases such as DU are relative to "domain", or else to the user's domain. A group given as a bare
SID is enabled and mandatory, and a bare privilege is enabled. An unknown field is an error that names the field.

In place of a token file you can write a word, or the JSON itself:

  refmon token show network:S-1-5-21-1-2-3-1107
  refmon why 'O:BAG:SYD:(A;;FR;;;BG)' --token guest --want read
  refmon why 'O:BAG:SYD:(A;;FR;;;DU)' --want read \
    --token '{"user":"S-1-5-21-1-2-3-1107","groups":["DU"]}'

The words are:

  anonymous        a caller who did not log on
  guest            Everyone and Guests, with Low integrity
  network[:SID]    a user of a domain, over the network
  user[:SID]       a user who is logged on here
  limited[:SID]    an administrator's limited token
  admin[:SID]      an administrator's full token
  system           the operating system`
}

// Run prints the token of a file as text or JSON. A malformed token file is an error. "-" is standard input, and a word
// is a built-in token.
func (c *tokenShowCmd) Run(std *streams) error {
	t, err := std.readToken(c.File)
	if err != nil {
		return err
	}
	if c.JSON {
		return printTokenJSON(std, t)
	}
	return printToken(std, t)
}

// readToken returns the token in a file, on standard input ("-"), or in the argument itself. The argument may be a
// built-in token's word or an inline token file. ./WORD is a file named like a built-in token. A missing file and an
// unknown field are errors with the file's name, or --token. A byte order mark is skipped.
func (s *streams) readToken(name string) (*token.Token, error) {
	if t, err := builtinToken(name); t != nil || err != nil {
		return t, err
	}
	b := []byte(name)
	if isInline(name) {
		name = "--token"
	} else {
		var err error
		if b, err = s.readFile(name); errors.Is(err, fs.ErrNotExist) {
			return nil, noTokenFile(name, err)
		} else if err != nil {
			return nil, err
		}
	}
	t, err := token.Parse(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return t, nil
}

// printTokenJSON writes the token as indented JSON, in the form of a token file.
func printTokenJSON(std *streams, t *token.Token) error {
	b, err := json.MarshalIndent(t, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(std.out, "%s\n", b)
	return err
}

// printToken writes the token as a table: user, type, integrity, restrictions, defaults, groups, privileges and
// claims. Properties that the token does not have get no row.
func printToken(std *streams, t *token.Token) error {
	var page bytes.Buffer
	if err := tokenRows(&page, t); err != nil {
		return err
	}
	_, err := io.WriteString(std.out, std.underRows(page.String()))
	return err
}

// tokenRows writes the rows of printToken, one property in each line. Absent properties have no row, except the default
// DACL, which is then "none". The error is that of out.
func tokenRows(out io.Writer, t *token.Token) error {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	row := func(name, value, note string) {
		fmt.Fprintf(w, "%s\t%s", name, inLine(value))
		if note != "" {
			fmt.Fprintf(w, "\t%s", note)
		}
		fmt.Fprintln(w)
	}
	who := func(name string, s sid.SID, note string) {
		row(name, s.String(), strings.TrimSpace(sid.Name(s)+"  "+note))
	}
	who("user", t.User().SID, strings.Join(token.GroupAttributeNames(t.User().Attributes), " "))
	typ := "Primary"
	if t.Type() == winnt.TokenImpersonation {
		typ = "Impersonation at " + levelName(t)
	}
	row("type", typ, "")
	row("integrity", token.IntegrityName(t.Integrity()), policyNote(t.MandatoryPolicy()))
	if t.WriteRestricted() {
		row("restricted", "writes only", "")
	} else if t.IsRestricted() {
		row("restricted", "yes", "")
	}
	row("default DACL", orNone(defaultDACL(t)), "") // here, as it would widen a column that has notes
	who("owner", t.Owner(), "of new objects")
	who("primary group", t.PrimaryGroup(), "of new objects")
	row("logon session", t.AuthenticationID().String(), fmt.Sprintf("session %d", t.SessionID()))
	if t.IsAppContainer() {
		note := ""
		if t.LowPrivilege() {
			note = "less privileged"
		}
		who("package", t.Package(), note)
	}
	for i, g := range t.Groups() {
		who(fmt.Sprintf("group %d", i), g.SID, strings.Join(token.GroupAttributeNames(g.Attributes), " "))
	}
	for i, g := range t.Spec().Restricted { // also those that only deny
		denies := strings.Join(token.GroupAttributeNames(g.Attributes&winnt.SE_GROUP_USE_FOR_DENY_ONLY), " ")
		who(fmt.Sprintf("restricting SID %d", i), g.SID, denies)
	}
	for i, g := range t.Capabilities() {
		who(fmt.Sprintf("capability %d", i), g.SID, strings.Join(token.GroupAttributeNames(g.Attributes), " "))
	}
	for i, g := range t.DeviceGroups() {
		who(fmt.Sprintf("device group %d", i), g.SID, strings.Join(token.GroupAttributeNames(g.Attributes), " "))
	}
	for p, attributes := range t.Privileges() {
		state := "disabled"
		if attributes&winnt.SE_PRIVILEGE_ENABLED != 0 {
			state = "enabled"
		}
		row("privilege", p.String(), state)
	}
	for _, c := range claimSets {
		for _, text := range claimLines(c.of(t)) {
			row(c.name, text, "")
		}
	}
	return w.Flush()
}

// policyNote describes a mandatory policy that is not the default, or returns "" for the default.
func policyNote(p uint32) string {
	switch {
	case p&winnt.TOKEN_MANDATORY_POLICY_NO_WRITE_UP == 0:
		return "not enforced: writing up is not refused"
	case p&winnt.TOKEN_MANDATORY_POLICY_NEW_PROCESS_MIN == 0:
		return "a new process keeps it, whatever the label of its image"
	}
	return ""
}
