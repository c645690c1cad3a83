// Command certificates writes what a broker with TLS needs, and its clients,
// into a folder: go run .ci/certificates.go DIR
//
//	ca.pem                   who signed the others
//	broker.pem               key and certificate of a broker on this machine
//	client.pem, client.key   of a client
//	stranger.pem             another authority, that signed none of them
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// life bounds the damage if such a key is ever taken for a real one.
const life = 7 * 24 * time.Hour

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: go run .ci/certificates.go DIR")
	}
	dir := os.Args[1]
	must(os.MkdirAll(dir, 0o700))
	ca := authority("Sluice tests")
	put(dir, "ca.pem", ca.certificate())
	put(dir, "stranger.pem", authority("A stranger").certificate())
	broker := signed(ca, "broker", x509.ExtKeyUsageServerAuth)
	put(dir, "broker.pem", append(broker.private(), append(broker.certificate(), ca.certificate()...)...))
	client := signed(ca, "sluice", x509.ExtKeyUsageClientAuth)
	put(dir, "client.pem", client.certificate())
	put(dir, "client.key", client.private())
}

// identity is a key and its certificate.
type identity struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func authority(name string) identity {
	t := template(name)
	t.IsCA, t.BasicConstraintsValid, t.KeyUsage = true, true, x509.KeyUsageCertSign
	return made(t, nil)
}

func signed(by identity, name string, usage x509.ExtKeyUsage) identity {
	t := template(name)
	t.KeyUsage, t.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{usage}
	t.IPAddresses, t.DNSNames = []net.IP{net.IPv4(127, 0, 0, 1)}, []string{"localhost"}
	return made(t, &by)
}

func template(name string) *x509.Certificate {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	must(err)
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(life),
	}
}

// made signs a template; by nobody else: it signs itself.
func made(t *x509.Certificate, by *identity) identity {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	if by == nil {
		by = &identity{key: key, cert: t}
	}
	der, err := x509.CreateCertificate(rand.Reader, t, by.cert, key.Public(), by.key)
	must(err)
	cert, err := x509.ParseCertificate(der)
	must(err)
	return identity{key: key, cert: cert}
}

func (i identity) certificate() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.cert.Raw})
}

// private gives the key in the one form that Kafka reads.
func (i identity) private() []byte {
	der, err := x509.MarshalPKCS8PrivateKey(i.key)
	must(err)
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func put(dir, name string, data []byte) {
	must(os.WriteFile(filepath.Join(dir, name), data, 0o600))
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
