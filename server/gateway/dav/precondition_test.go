package dav

import (
	"net/url"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// TestDestinationOnOtherHostIsElsewhere checks that a destination is on this server if its host is the request's, with
// http or https. A destination with user information, or another scheme, is on another server.
func TestDestinationOnOtherHostIsElsewhere(t *testing.T) {
	for text, want := range map[string]bool{"/x": false, "http://h/x": false, "https://H/x": false, "//h/x": false,
		"ftp://h/x": true, "https://g/x": true, "https://h:1/x": true, "https://u@h/x": true, "mailto:x": true,
		"http:/x":      true,
		"http://h/x?a": false} {
		u, err := url.Parse(text)
		check.NoError(t, err)
		check.Equal(t, elsewhere(u, "h"), want, "%s is elsewhere", text)
	}
}
