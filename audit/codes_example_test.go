package audit_test

import (
	"fmt"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/winnt"
)

func ExampleRights() {
	for r := range audit.Rights("File", winnt.READ_CONTROL|winnt.FILE_READ_DATA) {
		fmt.Println(r.Code, r.Text)
	}
	// Output:
	// 1538 READ_CONTROL
	// 4416 ReadData
}
