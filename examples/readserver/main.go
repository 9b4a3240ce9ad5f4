// Command readserver reads one file of a tree as a user and prints it, or why the user may not read it. It is a whole
// server in small: boot, the server's token with its privilege, a tree, a client, an open as that client.
//
//	go run ./examples/readserver /srv/share bob plan.txt
package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"strconv"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/treefs"
	"github.com/refmon/refmon/winnt"
)

// main reads one file for a user. It exits with 1 if the user may not read it, and with 2 after any other error.
func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: readserver DIRECTORY USER FILE")
		os.Exit(2)
	}
	switch err := serve(os.Stdout, os.Args[1], os.Args[2], os.Args[3]); {
	case errors.Is(err, fs.ErrPermission):
		fmt.Fprintln(os.Stderr, "denied:", err) // a real server logs this and answers 403
		os.Exit(1)
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}

// serve writes a file of the tree in a directory to w, as a user of this host.
func serve(w io.Writer, directory, name, file string) (err error) {
	// 1. Boot the kernel, and add the directory as a tree. As on the host, a user who may not search a folder cannot open
	// the files below it.
	tree, err := hostfs.Open(hostfs.Config{Path: directory, Missing: hostfs.SynthesiseMissing,
		Policy: fileaccess.Policy{Traverse: fileaccess.TraverseAlways}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tree.Close()) }()
	sys := kernel.Boot(kernel.Config{})
	defer func() { err = errors.Join(err, sys.Close()) }()
	if err := sys.AddTree("share", tree); err != nil {
		return err
	}

	// 2. Create the server's process. Its token must have SeImpersonatePrivilege.
	server, err := serverToken()
	if err != nil {
		return err
	}
	process, err := sys.NewProcess("server", server)
	if err != nil {
		return err
	}

	// 3. Make the client's token from what authentication has proved.
	client, err := clientToken(name)
	if err != nil {
		return err
	}

	// 4. Give each request a thread that acts as its client, and open the file with it.
	thread, err := process.NewThreadAs(client)
	if err != nil {
		return err
	}
	defer thread.Close()
	f, err := treefs.Explained(thread, "share").Open(file)
	if err != nil {
		return err // names the entry that decided
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = io.Copy(w, f)
	return err
}

// serverToken returns the token of the server's process: an ordinary user with one privilege. Without it Windows gives
// the server threads that identify their clients but open nothing, and every request would be denied.
func serverToken() (*token.Token, error) {
	spec := token.StandardUser(fileaccess.UnixUser(uint32(os.Getuid())))
	spec.Privileges |= winnt.SeImpersonatePrivilege.Bit()
	spec.EnabledPrivileges |= winnt.SeImpersonatePrivilege.Bit()
	t, err := token.New(spec)
	if err == nil && !t.Has(winnt.SeImpersonatePrivilege) {
		err = errors.New("the server's token lacks SeImpersonatePrivilege: every client would be denied")
	}
	return t, err
}

// clientToken returns the token of a user of this host, with the user's groups.
func clientToken(name string) (*token.Token, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return nil, err
	}
	groups, err := u.GroupIds()
	if err != nil {
		return nil, err // a missing group could be one that an entry denies
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	var gids []uint32
	for _, g := range groups {
		gid, err := strconv.ParseUint(g, 10, 32)
		if err != nil {
			return nil, err
		}
		gids = append(gids, uint32(gid))
	}
	spec, err := new(fileaccess.IDMap).NetworkUser(uint32(uid), gids)
	if err != nil {
		return nil, err
	}
	return token.New(spec)
}
