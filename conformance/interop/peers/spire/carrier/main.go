// A carrier whose identity comes from SPIRE by way of go-spiffe: mutually authenticated HTTPS that answers every request
// with what it knows of its peer, and counts. `carrier OWN_ID PEER_DOMAIN`; the Workload API is where
// SPIFFE_ENDPOINT_SOCKET says.
package main

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"

	"github.com/spiffe/go-spiffe/v2/spiffeid"
	"github.com/spiffe/go-spiffe/v2/spiffetls/tlsconfig"
	"github.com/spiffe/go-spiffe/v2/svid/x509svid"
	"github.com/spiffe/go-spiffe/v2/workloadapi"
)

// What the harness asks for at the end.
type seen struct {
	mutex        sync.Mutex
	fingerprints map[string]int
	curves       map[string]int
	own          map[string]int
	resumed      atomic.Int64
	requests     atomic.Int64
}

func (s *seen) note(state *tls.ConnectionState, fingerprint, own string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.fingerprints[fingerprint]++
	s.curves[state.CurveID.String()]++
	s.own[own]++
	s.requests.Add(1)
	if state.DidResume {
		s.resumed.Add(1)
	}
}

func answer(out http.ResponseWriter, value any) {
	out.Header().Set("content-type", "application/json")
	_ = json.NewEncoder(out).Encode(value)
}

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: carrier OWN_ID PEER_DOMAIN")
	}
	own := spiffeid.RequireFromString(os.Args[1])
	domain := spiffeid.RequireTrustDomainFromString(os.Args[2])
	// Several SVIDs may be ours: that one.
	pick := func(all []*x509svid.SVID) *x509svid.SVID {
		for _, svid := range all {
			if svid.ID == own {
				return svid
			}
		}
		return all[0]
	}
	source, err := workloadapi.NewX509Source(context.Background(), workloadapi.WithDefaultX509SVIDPicker(pick))
	if err != nil {
		log.Fatal(err)
	}
	counts := &seen{fingerprints: map[string]int{}, curves: map[string]int{}, own: map[string]int{}}

	echo := func(out http.ResponseWriter, in *http.Request) {
		leaf := in.TLS.PeerCertificates[0]
		digest := sha256.Sum256(leaf.Raw)
		id, _ := x509svid.IDFromCert(leaf)
		present, err := source.GetX509SVID()
		if err != nil {
			http.Error(out, err.Error(), http.StatusInternalServerError)
			return
		}
		counts.note(in.TLS, hex.EncodeToString(digest[:]), present.Certificates[0].SerialNumber.String())
		answer(out, map[string]any{
			"fingerprint": hex.EncodeToString(digest[:]),
			"uri":         id.String(),
			"notAfter":    leaf.NotAfter.Unix(),
			"version":     tls.VersionName(in.TLS.Version),
			"curve":       in.TLS.CurveID.String(),
			"protocol":    in.Proto,
			"resumed":     in.TLS.DidResume,
		})
	}
	policy := tlsconfig.MTLSServerConfig(source, source, tlsconfig.AuthorizeMemberOf(domain))
	policy.NextProtos = []string{"h2", "http/1.1"}
	policy.MinVersion = tls.VersionTLS13
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(echo), TLSConfig: policy}
	go func() { log.Fatal(server.ServeTLS(listener, "", "")) }()

	control, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	tell := func(out http.ResponseWriter, _ *http.Request) {
		counts.mutex.Lock()
		defer counts.mutex.Unlock()
		answer(out, map[string]any{
			"requests":     counts.requests.Load(),
			"resumed":      counts.resumed.Load(),
			"fingerprints": counts.fingerprints,
			"curves":       counts.curves,
			"own":          counts.own,
		})
	}
	fmt.Printf("{\"url\":\"https://%s\",\"control\":\"http://%s\"}\n", listener.Addr(), control.Addr())
	log.Fatal(http.Serve(control, http.HandlerFunc(tell)))
}
