package main

import (
	"io"
	"os"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/server/lsa/admin"
)

// accountCmd are the verbs about accounts. They speak to the running daemon, at the
// socket where an administrator has the full token.
type accountCmd struct {
	Socket string `help:"Where administrators connect." default:"/run/refmon/admin.sock" env:"REFMON_ADMIN_SOCKET"`
	Owner  string `help:"The user that the daemon runs as, if it is neither root nor you." placeholder:"USER"`

	Add    accountAddCmd    `cmd:"" help:"Make an account."`
	Set    accountSetCmd    `cmd:"" help:"Change name, uid or full name."`
	Delete accountDeleteCmd `cmd:"" help:"Remove an account, its memberships and its rights."`
	List   accountListCmd   `cmd:"" help:"List the accounts."`
	Passwd accountPasswdCmd `cmd:"" help:"Set a password, read from the terminal or one line of the input."`
	Lock   accountLockCmd   `cmd:"" help:"Disable an account."`
	Unlock accountUnlockCmd `cmd:"" help:"Enable an account and forget its failed logons."`
	Group  accountGroupCmd  `cmd:"" help:"Local groups and who is in them."`
	Right  accountRightCmd  `cmd:"" help:"Privileges and logon rights."`

	Export  accountExportCmd  `cmd:"" help:"Write accounts, groups, rights and id maps as YAML; no password leaves."`
	Import  accountImportCmd  `cmd:"" help:"Make the store what a YAML file says; passwords of accounts that stay, stay."`
	Backup  accountBackupCmd  `cmd:"" help:"Write the store and the key of the audit log to one file, as secret as they."`
	Restore accountRestoreCmd `cmd:"" help:"Put a backup in the place of the store, while refmond does not run."`
}

// Help returns the long help of the verbs.
func (accountCmd) Help() string {
	return `A change is on disk, and its record too, before the command ends. The programs of administrators alone
may ask; on the first day the user that refmond runs as is the one: sudo -u refmond refmond account …`
}

// dial connects to the daemon.
func (c *accountCmd) dial() (*client.Conn, error) {
	if c.Owner == "" {
		return client.Dial(c.Socket)
	}
	uid, err := userID(c.Owner)
	if err != nil {
		return nil, err
	}
	return client.DialUser(c.Socket, uid)
}

// change asks the daemon for a change and says nothing once it is made.
func (c *accountCmd) change(r admin.Request) error {
	conn, err := c.dial()
	if err != nil {
		return err
	}
	_, err = admin.Ask(conn.Administer, r)
	_ = conn.Close()
	return err
}

// fetch asks the daemon for what does not change anything.
func (c *accountCmd) fetch(do admin.Do) ([]byte, error) {
	conn, err := c.dial()
	if err != nil {
		return nil, err
	}
	defer conn.Close() //nolint:errcheck // everything was read
	return admin.Fetch(conn.Administer, admin.Request{Do: do})
}

func (c *accountCmd) print(std *streams, do admin.Do) error {
	b, err := c.fetch(do)
	if err != nil {
		return err
	}
	_, err = std.out.Write(b)
	return err
}

type accountAddCmd struct {
	Name     string  `arg:"" help:"Its name."`
	UID      *uint32 `name:"uid" help:"The user of the host that it is." placeholder:"N"`
	FullName *string `help:"The name of the person." placeholder:"TEXT"`
	Disabled bool    `help:"No logon with it succeeds until it is unlocked."`
	Password bool    `help:"Read a password from the terminal, or one line of the input."`
}

// Run makes an account.
func (c accountAddCmd) Run(std *streams, all *accountCmd) error {
	r := admin.Request{Do: admin.AddAccount, Name: c.Name, UID: c.UID, FullName: c.FullName, Disabled: c.Disabled}
	if c.Password {
		var err error
		if r.Password, err = readPassword(os.Stdin, std.err); err != nil {
			return err
		}
	}
	return all.change(r)
}

type accountSetCmd struct {
	Name     string  `arg:"" help:"The account."`
	Rename   *string `help:"Its new name." placeholder:"NAME"`
	UID      *uint32 `name:"uid" xor:"uid" help:"The user of the host that it is." placeholder:"N"`
	NoUID    bool    `name:"no-uid" xor:"uid" help:"It is no user of the host."`
	FullName *string `help:"The name of the person." placeholder:"TEXT"`
}

// Run changes an account.
func (c accountSetCmd) Run(all *accountCmd) error {
	return all.change(admin.Request{Do: admin.SetAccount, Name: c.Name, NewName: c.Rename, UID: c.UID, NoUID: c.NoUID,
		FullName: c.FullName})
}

type accountDeleteCmd struct {
	Name string `arg:"" help:"The account."`
}

// Run removes an account.
func (c accountDeleteCmd) Run(all *accountCmd) error {
	return all.change(admin.Request{Do: admin.DeleteAccount, Name: c.Name})
}

type accountListCmd struct{}

// Run lists the accounts.
func (accountListCmd) Run(std *streams, all *accountCmd) error {
	return all.print(std, admin.ListAccounts)
}

type accountPasswdCmd struct {
	Name string `arg:"" help:"The account."`
}

// Run sets a password.
func (c accountPasswdCmd) Run(std *streams, all *accountCmd) error {
	password, err := readPassword(os.Stdin, std.err)
	if err != nil {
		return err
	}
	return all.change(admin.Request{Do: admin.SetPassword, Name: c.Name, Password: password})
}

type accountLockCmd struct {
	Name string `arg:"" help:"The account."`
}

// Run disables an account.
func (c accountLockCmd) Run(all *accountCmd) error {
	return all.change(admin.Request{Do: admin.Lock, Name: c.Name})
}

type accountUnlockCmd struct {
	Name string `arg:"" help:"The account."`
}

// Run enables an account.
func (c accountUnlockCmd) Run(all *accountCmd) error {
	return all.change(admin.Request{Do: admin.Unlock, Name: c.Name})
}

type accountExportCmd struct{}

// Run writes the accounts as YAML.
func (accountExportCmd) Run(std *streams, all *accountCmd) error { return all.print(std, admin.Export) }

type accountImportCmd struct {
	File string `arg:"" help:"The YAML file; - for the input."`
}

// Run makes the store what a file says.
func (c accountImportCmd) Run(all *accountCmd) error {
	from := os.Stdin
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return err
		}
		defer f.Close() //nolint:errcheck // read only
		from = f
	}
	text, err := io.ReadAll(io.LimitReader(from, client.MaxRequest+1))
	if err != nil {
		return err
	}
	return all.change(admin.Request{Do: admin.Import, File: string(text)})
}
