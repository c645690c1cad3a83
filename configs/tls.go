package configs

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
)

// TLS is the encryption of the connections to the brokers.
type TLS struct {
	Enabled    bool   `yaml:"enabled,required"`
	CA         File   `yaml:"ca"`   // PEM; without: the system's
	Cert       File   `yaml:"cert"` // PEM, of this client, where the brokers ask for one
	Key        File   `yaml:"key"`
	ServerName string `yaml:"server_name"` // in the brokers' certificates, where it is not their host
}

// Check looks over the files.
func (t *TLS) Check(report func(key, message string)) {
	if t.Cert.node != nil && t.Key.node == nil {
		report("cert", "a certificate needs its key: add key")
	}
	if t.Key.node != nil && t.Cert.node == nil {
		report("key", "a key needs its certificate: add cert")
	}
}

// Config reads the files and gives what a client needs, nil if TLS is not enabled.
func (t *TLS) Config() (*tls.Config, error) {
	if !t.Enabled {
		return nil, nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName}
	if t.CA.Path != "" {
		pem, err := os.ReadFile(t.CA.Path)
		if err != nil {
			return nil, err
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no certificate in PEM", t.CA.Path)
		}
	}
	if t.Cert.Path != "" {
		pair, err := tls.LoadX509KeyPair(t.Cert.Path, t.Key.Path)
		if err != nil {
			return nil, fmt.Errorf("the client certificate %s with key %s: %w", t.Cert.Path, t.Key.Path, err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}
