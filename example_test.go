package refmon_test

import (
	"errors"
	"fmt"
	"io/fs"
	"log"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// May a guest, a member of Guests and Everyone, write this file?
func Example() {
	tok, err := token.Parse([]byte(`{"user":"S-1-5-21-1-2-3-501", "groups":["BG","WD"]}`))
	if err != nil {
		log.Fatal(err)
	}
	file := sddl.MustParse("O:BAG:SYD:(D;;FW;;;BG)(A;;FA;;;BA)(A;;FR;;;WD)")

	read, err := access.Check(tok, file, winnt.FILE_READ_DATA, winnt.FileObject)
	if err != nil {
		log.Fatal(err) // the question was malformed
	}
	write, err := access.Check(tok, file, winnt.FILE_WRITE_DATA, winnt.FileObject)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("read: ", read.Allowed(), read.Status())
	fmt.Println("write:", write.Allowed(), write.Status(), errors.Is(write.Err(), fs.ErrPermission))
	// Output:
	// read:  true STATUS_SUCCESS
	// write: false STATUS_ACCESS_DENIED true
}
