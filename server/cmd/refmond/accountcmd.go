package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/lsa/admin"
)

// accountCmd has the commands about accounts. They connect to the running daemon's administrator
// socket, where an administrator has the full token.
type accountCmd struct {
	Socket string `help:"The administrators' socket." default:"/run/refmon/admin.sock" env:"REFMON_ADMIN_SOCKET"`
	Owner  string `help:"The user that refmond runs as, if it is neither root nor you." placeholder:"USER"`

	Add    accountAddCmd    `cmd:"" help:"Create an account."`
	Set    accountSetCmd    `cmd:"" help:"Change the name, uid or full name of an account."`
	Delete accountDeleteCmd `cmd:"" help:"Remove an account, its memberships and its rights."`
	List   accountListCmd   `cmd:"" help:"List the accounts."`
	Passwd accountPasswdCmd `cmd:"" help:"Set a password, read from the terminal or a line of standard input."`
	Lock   accountLockCmd   `cmd:"" help:"Disable an account."`
	Unlock accountUnlockCmd `cmd:"" help:"Enable an account and reset its count of failed logons."`
	Group  accountGroupCmd  `cmd:"" help:"Change and list local groups and their members."`
	Right  accountRightCmd  `cmd:"" help:"Change and list privileges and logon rights."`

	Export  accountExportCmd  `cmd:"" help:"Write accounts, groups, rights and id maps as YAML, without passwords."`
	Import  accountImportCmd  `cmd:"" help:"Replace the store by a YAML file; accounts that stay keep their passwords."`
	Backup  accountBackupCmd  `cmd:"" help:"Write the store and the audit log's key to one secret file."`
	Restore accountRestoreCmd `cmd:"" help:"Replace the store by a backup, while refmond is stopped."`
}

// Help returns the long text of --help for the commands of accounts.
func (accountCmd) Help() string {
	return `A change and its audit record are on disk before the command ends. Only administrators may use these
commands. In a new store, the only administrator is the user that refmond runs as:

  sudo -u refmond refmond account add alice --uid 1000 --password`
}

// dial connects to the daemon at the administrators' socket, as dialDaemon does.
func (c *accountCmd) dial() (*client.Conn, error) {
	conn, err := dialDaemon(c.Socket, c.Owner)
	return conn, accountError(err)
}

// change sends one request to the daemon and waits for the response. nil means that the change is durable. An error
// may mean that the response was lost, not that nothing changed.
func (c *accountCmd) change(r admin.Request) error {
	conn, err := c.dial()
	if err != nil {
		return err
	}
	_, err = admin.Ask(conn.Administer, r)
	_ = conn.Close()
	return accountError(err)
}

// accountError extends an access denial: it says who may run the account commands, and on which socket. It returns
// other errors unchanged.
func accountError(err error) error {
	if errors.Is(err, ntstatus.AccessDenied.Err()) {
		return fmt.Errorf("%w: only an administrator with a full token may list or change accounts (at first the user that "+
			"refmond runs as): run this as an administrator %s", err, atAdminSocket)
	}
	return err
}

// fetch requests all data of one kind, such as the table of accounts, from the daemon. With an error it returns no
// data.
func (c *accountCmd) fetch(do admin.Do) ([]byte, error) {
	conn, err := c.dial()
	if err != nil {
		return nil, err
	}
	defer conn.Close() //nolint:errcheck // Fetch has read the whole response
	b, err := admin.Fetch(conn.Administer, admin.Request{Do: do})
	return b, accountError(err)
}

// print prints a table or an export that the daemon makes: it requests the data of kind do and writes it to standard
// output. With an error of the daemon it writes nothing.
func (c *accountCmd) print(std *streams, do admin.Do) error {
	b, err := c.fetch(do)
	if err != nil {
		return err
	}
	_, err = std.out.Write(b)
	return err
}

type accountAddCmd struct {
	Name     string  `arg:"" help:"The name of the new account."`
	UID      *uint32 `name:"uid" help:"The uid of the same user on the host." placeholder:"N"`
	FullName *string `help:"The name of the person." placeholder:"TEXT"`
	Disabled bool    `help:"Create the account locked: nobody can log on with it until refmond account unlock."`
	Password bool    `help:"Also set a password, read from the terminal or from a line of standard input."`
}

// Run adds an account. With --password it first reads the password; otherwise no password logs the account on.
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
	UID      *uint32 `name:"uid" xor:"uid" help:"The uid of the same user on the host." placeholder:"N"`
	NoUID    bool    `name:"no-uid" xor:"uid" help:"Remove the account's uid."`
	FullName *string `help:"The name of the person." placeholder:"TEXT"`
}

// Run changes the name, uid or full name of an account. A flag that is not given leaves its value unchanged.
func (c accountSetCmd) Run(all *accountCmd) error {
	return all.change(admin.Request{Do: admin.SetAccount, Name: c.Name, NewName: c.Rename, UID: c.UID, NoUID: c.NoUID,
		FullName: c.FullName})
}

type accountDeleteCmd struct {
	Name string `arg:"" help:"The account."`
}

// Run removes an account from the store. An unknown name is an error, and so is a refusal of the daemon.
func (c accountDeleteCmd) Run(all *accountCmd) error {
	return all.change(admin.Request{Do: admin.DeleteAccount, Name: c.Name})
}

type accountListCmd struct{}

// Run prints a table of the accounts with their states, sorted by RID. Without accounts it has a heading only.
func (accountListCmd) Run(std *streams, all *accountCmd) error {
	return all.print(std, admin.ListAccounts)
}

type accountPasswdCmd struct {
	Name string `arg:"" help:"The account."`
}

// Run reads a new password from the terminal, or a line of standard input, and sets it for the account. An unknown
// account is an error.
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

// Run disables an account: it can no longer log on. Its present sessions stay. An unknown account is an error.
func (c accountLockCmd) Run(all *accountCmd) error {
	return all.change(admin.Request{Do: admin.Lock, Name: c.Name})
}

type accountUnlockCmd struct {
	Name string `arg:"" help:"The account."`
}

// Run enables an account and clears its failed logons. It succeeds for an account that is enabled.
func (c accountUnlockCmd) Run(all *accountCmd) error {
	return all.change(admin.Request{Do: admin.Unlock, Name: c.Name})
}

type accountExportCmd struct{}

// Run prints the accounts, groups, rights and maps as YAML, without password hashes.
func (accountExportCmd) Run(std *streams, all *accountCmd) error { return all.print(std, admin.Export) }

type accountImportCmd struct {
	File string `arg:"" help:"The YAML file; - for standard input."`
}

// Run replaces the contents of the daemon's store by those of a YAML file, or of standard input if the name is
// "-". A file that is too long for one request is an error.
func (c accountImportCmd) Run(all *accountCmd) error {
	from := os.Stdin
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return err
		}
		defer f.Close() //nolint:errcheck // closing a file that was only read loses no data
		from = f
	}
	text, err := io.ReadAll(io.LimitReader(from, client.MaxRequest+1))
	if err != nil {
		return err
	}
	return all.change(admin.Request{Do: admin.Import, File: string(text)})
}
