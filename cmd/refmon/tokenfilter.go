package main

import (
	"encoding/json"
	"fmt"

	"github.com/refmon/refmon/internal/outfile"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// tokenFilterCmd holds the arguments and flags of refmon token filter.
type tokenFilterCmd struct {
	File                string   `arg:"" help:"Token file, - for standard input."`
	Disable             []string `help:"${disable}" placeholder:"SID"`
	Delete              []string `help:"Privileges to remove." placeholder:"NAME"`
	Restrict            []string `help:"${restrict}" placeholder:"SID"`
	WriteRestricted     bool     `help:"The restricting SIDs limit write access only."`
	DisableMaxPrivilege bool     `help:"Remove every privilege but SeChangeNotifyPrivilege."`
	LUA                 bool     `name:"lua" help:"${lua}"`
	SandboxInert        bool     `help:"Set the flag SANDBOX_INERT."`
	Out                 string   `short:"o" help:"${out}" placeholder:"FILE"`
}

// Help returns the long text of --help for refmon token filter.
func (tokenFilterCmd) Help() string {
	return `Writes the token that NtFilterToken (CreateRestrictedToken) would create as a token file for refmon why,
check and who-can. Use it to find what a sandbox can still write, and why:

  refmon token filter user.json --restrict RC --write-restricted \
    -o sandbox.json
  refmon why 'O:BAG:SYD:(A;;FA;;;BU)' --token sandbox.json --want FW`
}

// Run writes a filtered copy of the token, as NtFilterToken makes it. An unknown SID or privilege is an error. The copy
// keeps the modified id. A rejected filter is an error, and then nothing is written.
func (c *tokenFilterCmd) Run(std *streams) error {
	t, err := std.readToken(c.File)
	if err != nil {
		return err
	}
	f := token.FilterSpec{ParentTokenID: t.ParentTokenID(), ModifiedID: t.ModifiedID()}
	for _, set := range []struct {
		on   bool
		flag uint32
	}{{c.WriteRestricted, winnt.WRITE_RESTRICTED}, {c.DisableMaxPrivilege, winnt.DISABLE_MAX_PRIVILEGE},
		{c.LUA, winnt.LUA_TOKEN}, {c.SandboxInert, winnt.SANDBOX_INERT}} {
		if set.on {
			f.Flags |= set.flag
		}
	}
	if f.Disable, err = resolveAll(t, "--disable", c.Disable); err != nil {
		return err
	}
	restrict, err := resolveAll(t, "--restrict", c.Restrict)
	if err != nil {
		return err
	}
	for _, s := range restrict {
		f.Restrict = append(f.Restrict, token.Group{SID: s})
	}
	for _, name := range c.Delete {
		p, err := winnt.ParsePrivilege(name)
		if err != nil {
			return fmt.Errorf("--delete: %w", err)
		}
		f.Delete |= p.Bit()
	}
	n, st := t.Filter(f)
	if err := st.Err(); err != nil {
		return fmt.Errorf("filter: %w", err)
	}
	c.noteIdle(std, t, &f)
	return std.writeToken(n, c.Out)
}

// noteIdle prints a note to standard error for each part of the filter that changes nothing in the token, such as a
// mistyped SID: the author of a sandbox would take the group for disabled. NtFilterToken skips such parts (T-61, T-62).
func (c *tokenFilterCmd) noteIdle(std *streams, t *token.Token, f *token.FilterSpec) {
	for _, s := range f.Disable {
		if t.SIDs().Find(s.Hash(), s) < 0 {
			fmt.Fprintf(std.err, "refmon: note: --disable %v: the token does not have it\n", s)
		}
	}
	missing := f.Delete
	for p := range t.Privileges() {
		missing &^= p.Bit()
	}
	for p := range missing.All {
		fmt.Fprintf(std.err, "refmon: note: --delete %v: the token does not have it\n", p)
	}
	if c.WriteRestricted && len(c.Restrict) == 0 {
		fmt.Fprintln(std.err, "refmon: note: --write-restricted has no effect without --restrict")
	}
}

// tokenLowBoxCmd holds the arguments and flags of refmon token lowbox.
type tokenLowBoxCmd struct {
	File       string   `arg:"" help:"Token file, - for standard input."`
	Package    string   `required:"" help:"Package SID, S-1-15-2-…." placeholder:"SID"`
	Capability []string `help:"Capability SIDs, S-1-15-3-…." placeholder:"SID"`
	LPAC       bool     `name:"lpac" help:"Less privileged: entries for ALL APPLICATION PACKAGES do not apply."`
	Out        string   `short:"o" help:"${out}" placeholder:"FILE"`
}

// Help returns the long text of --help for refmon token lowbox.
func (tokenLowBoxCmd) Help() string {
	return `Writes the AppContainer token that NtCreateLowBoxToken would create: Low integrity, a package and
its capabilities. An object must grant access to one of them as well as to the user.`
}

// Run writes an AppContainer token made from the token. A SID that is no package or capability, and an AppContainer
// token, are errors. It needs one package. Nothing is written after an error.
func (c *tokenLowBoxCmd) Run(std *streams) error {
	t, err := std.readToken(c.File)
	if err != nil {
		return err
	}
	pkg, err := resolveAll(t, "--package", []string{c.Package})
	if err != nil {
		return err
	}
	capabilities, err := resolveAll(t, "--capability", c.Capability)
	if err != nil {
		return err
	}
	l := token.LowBoxSpec{Package: pkg[0], LowPrivilege: c.LPAC, Number: 1, ModifiedID: t.ModifiedID()}
	for _, s := range capabilities {
		l.Capabilities = append(l.Capabilities, token.Group{SID: s})
	}
	n, st := t.LowBox(l)
	if err := st.Err(); err != nil {
		return fmt.Errorf("lowbox: the package must be S-1-15-2-…, capabilities S-1-15-3-…, and the token no "+
			"AppContainer's yet: %w", err)
	}
	return std.writeToken(n, c.Out)
}

// resolveAll parses SIDs and aliases; relative aliases refer to the domain of the token's user. The error names the
// flag. It returns nil for no texts.
func resolveAll(t *token.Token, flag string, texts []string) ([]sid.SID, error) {
	var domain sid.SID
	if u := t.User().SID; u.SubAuthorities() == 5 {
		domain = u.Prefix()
	}
	var list []sid.SID
	for _, text := range texts {
		s, err := sid.Resolve(text, domain)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", flag, text, err)
		}
		list = append(list, s)
	}
	return list, nil
}

// writeToken writes a token file, with mode 0644 if it is new. An old one stays after an error. It prints the token to
// standard output if name is "".
func (s *streams) writeToken(t *token.Token, name string) error {
	if name == "" {
		return printTokenJSON(s, t)
	}
	b, err := json.MarshalIndent(t, "", "  ")
	if err != nil {
		return err
	}
	return outfile.WriteFile(name, append(b, '\n'), 0o644)
}
