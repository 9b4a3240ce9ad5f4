package batch_test

import (
	"fmt"
	"os"
	"strings"

	"github.com/refmon/refmon/internal/cli/batch"
)

func ExampleChecks() {
	questions := strings.NewReader(`{"define":{"alice":{"user":"S-1-5-21-1-2-3-1107","groups":["DU"]}}}
{"id":"a","tokenRef":"alice","sd":"O:BAG:SYD:(A;;FR;;;DU)","desired":"FR"}
{"id":"b","tokenRef":"alice","sd":"O:BAG:SYD:(A;;FR;;;BA)","desired":"FR"}
{"id":"c","tokenRef":"bob","sd":"O:BAG:SYD:(A;;FR;;;BA)","desired":"FR"}
`)
	sum, err := batch.Checks{}.Job().Run(questions, os.Stdout)
	fmt.Println(sum.Lines, sum.Malformed, err)
	// Output:
	// {"id":null,"defined":["alice"]}
	// {"id":"a","status":"STATUS_SUCCESS","granted":"0x00120089","privilegesUsed":[]}
	// {"id":"b","status":"STATUS_ACCESS_DENIED","granted":"0x00000000","privilegesUsed":[]}
	// {"id":"c","error":"line 4: tokenRef: no line before this one defines \"bob\""}
	// 4 1 <nil>
}

func ExampleSIDs() {
	lines := strings.NewReader(`{"id":1,"sid":"BA"}
{"id":2,"hex":"01020000000000052000000020020000"}
`)
	if _, err := batch.SIDs().Run(lines, os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output:
	// {"id":1,"hex":"01020000000000052000000020020000"}
	// {"id":2,"sid":"S-1-5-32-544"}
}
