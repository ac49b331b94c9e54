export DEBIAN_FRONTEND=noninteractive PATH=$PATH:/snap/bin
snap wait system seed.loaded
snap install aws-cli --classic

if [ -n "$VOLUME" ]; then
  command -v mkfs.xfs > /dev/null || { apt-get update && apt-get install -y xfsprogs; }
  mount_data
fi

# A refresh would restart the cluster at a time of its own choosing.
snap install microk8s --classic --channel="$MICROK8S"
snap refresh --hold microk8s
microk8s status --wait-ready --timeout 600
# The VPC's resolver: the add-on's own are outside, and do not know the database's name.
resolver=$(sed -n 's/^nameserver //p' /run/systemd/resolve/resolv.conf 2> /dev/null | head -n 1) || true
microk8s enable "dns${resolver:+:$resolver}"
microk8s enable ingress
# CloudFront and the load balancer have ended TLS, and say so in X-Forwarded-Proto.
microk8s kubectl apply -f - << END
apiVersion: v1
kind: ConfigMap
metadata: {name: nginx-load-balancer-microk8s-conf, namespace: ingress}
data: {use-forwarded-headers: "true"}
END

agent=/opt/aws/amazon-cloudwatch-agent
if [ ! -x $agent/bin/amazon-cloudwatch-agent-ctl ]; then
  curl -fsSL --retry 5 --retry-all-errors -o /tmp/agent.deb \
    "https://amazoncloudwatch-agent-$REGION.s3.$REGION.amazonaws.com/ubuntu/$(dpkg --print-architecture)/latest/amazon-cloudwatch-agent.deb"
  dpkg -i /tmp/agent.deb
fi
mkdir -p $agent/etc
cat > $agent/etc/slipway.json << END
$AGENT
END
$agent/bin/amazon-cloudwatch-agent-ctl -a fetch-config -m ec2 -s -c file:$agent/etc/slipway.json

# After a later boot, the cluster runs what the environment runs: it may have been off during a release.
mkdir -p /opt/slipway
aws --region "$REGION" s3 cp --only-show-errors "$RUNNER" /opt/slipway/boot.zip
program="/usr/bin/python3 /opt/slipway/boot.zip --region $REGION --bucket $BUCKET --configuration $CONFIGURATION"
cat > /etc/systemd/system/slipway-host.service << END
[Unit]
Description=Runs the environment's release
After=network-online.target snap.microk8s.daemon-kubelite.service

[Service]
Type=oneshot
Environment=PATH=$PATH
ExecStart=$program apply current

[Install]
WantedBy=multi-user.target
END
# The registry's passwords are valid for twelve hours.
cat > /etc/systemd/system/slipway-registry.service << END
[Unit]
Description=Gives the cluster a new password of the registry

[Service]
Type=oneshot
Environment=PATH=$PATH
ExecStart=$program renew current
END
cat > /etc/systemd/system/slipway-registry.timer << END
[Timer]
OnBootSec=10min
OnUnitActiveSec=4h

[Install]
WantedBy=timers.target
END
systemctl daemon-reload
systemctl enable slipway-host
systemctl enable --now slipway-registry.timer
