package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/refmon/refmon/internal/verbs/bulk/accounts"
)

type directoryCmd struct {
	From directoryFromCmd `cmd:"" help:"Make a directory file of what other systems list."`
}

type directoryFromCmd struct {
	Form  string   `arg:"" help:"passwd (or getent), pdbedit or ldif."`
	Files []string `arg:"" name:"file" help:"Files to read, - for standard input."`
	With  []string `help:"Further files of another form, as FORM:FILE; may be repeated." placeholder:"FORM:FILE"`
	Out   string   `help:"Write to FILE instead of standard output." placeholder:"FILE"`
}

// Help returns the long help text.
func (directoryFromCmd) Help() string {
	return `Reads users and groups from what other systems list, and writes the directory file
that who-can, what-can, access, diff and report take.

  refmon directory from passwd /etc/passwd /etc/group --out company.yaml
  pdbedit -L -v | refmon directory from pdbedit - --with passwd:/etc/passwd --with passwd:/etc/group
  refmon directory from ldif people.ldif --out company.yaml

passwd takes lines of passwd and of group, as files or from getent. ldif is the output of
ldapsearch; ask it for objectClass, objectSid, sAMAccountName, memberOf,
primaryGroupID, userAccountControl, uidNumber and gidNumber. Accounts of one name
are one account, and one without a SID is S-1-22-1-uid or S-1-22-2-gid, as Samba
names it. What could not be resolved is listed on standard error.`
}

// Run writes the directory file.
func (c *directoryFromCmd) Run(std *streams) error {
	var list accounts.List
	add := func(form, name string) error {
		file, err := std.readFile(name)
		if err != nil {
			return err
		}
		if err := list.Read(form, file); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	}
	for _, name := range c.Files {
		if err := add(c.Form, name); err != nil {
			return err
		}
	}
	for _, with := range c.With {
		form, name, ok := strings.Cut(with, ":")
		if !ok {
			return fmt.Errorf("--with %q: want FORM:FILE", with)
		}
		if err := add(form, name); err != nil {
			return err
		}
	}
	text := list.YAML()
	for _, line := range list.Unresolved {
		fmt.Fprintf(std.err, "refmon: %s\n", printable(line))
	}
	if c.Out != "" {
		return os.WriteFile(c.Out, text, 0o644)
	}
	_, err := std.out.Write(text)
	return err
}
