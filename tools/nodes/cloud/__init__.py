"""What a cloud gives a cluster: addresses and a balancer for Services of type LoadBalancer, volumes for claims."""
